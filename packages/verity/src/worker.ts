import { serveRanges } from "./node/serve.js";

serveRanges();
