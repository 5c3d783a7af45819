import type { Bench } from "../bench.js";
import { measure } from "../measure.js";

export const start: Bench = {
  name: "start",
  about: "sextant --version beside node -e 0",
  async run({ sextant, runs }) {
    const [ours, peer] = await measure(
      [
        { label: "sextant --version", command: [...sextant, "--version"] },
        { label: "node -e 0", command: [process.execPath, "-e", "0"] },
      ],
      3 * runs,
    );
    return ours ? [{ title: "start of the command", ours, peer, goal: "within 1.6 ×" }] : [];
  },
};
