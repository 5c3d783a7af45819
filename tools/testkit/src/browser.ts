import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { peer } from "@sextant/peers";
import type { Page } from "playwright-core";
import { repositoryPath } from "./folders.js";

/** A page of a real browser, with modules of this repository at hand. */
export interface BrowserPage {
  /** For what `call` does not do; see Playwright. */
  readonly page: Page;
  /** The server that everything comes from: on this machine only. */
  readonly origin: string;
  /**
   * Calls an exported function of a module in the page and waits for what it gives. Arguments and result are plain data.
   * Rejects with what it throws.
   */
  call<T>(module: string, name: string, ...args: readonly unknown[]): Promise<T>;
}

export interface ChromiumOptions {
  /** TypeScript files by the names that they have in the page: `main` is `/main.js`. Workers are modules like others. */
  readonly modules: Readonly<Record<string, string>>;
}

/** Bundles for browsers, by their paths; whatever needs Node is an error. */
async function bundle(modules: ChromiumOptions["modules"]): Promise<Map<string, Uint8Array>> {
  const { build } = await import("esbuild");
  const folder = "/bundle";
  const { outputFiles } = await build({
    entryPoints: { ...modules },
    outdir: folder,
    write: false,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    target: "es2023",
    // The sources of the packages, and of each the part that browsers run.
    tsconfig: join(repositoryPath, "tsconfig.pure.json"),
    absWorkingDir: repositoryPath,
    logLevel: "silent",
  });
  return new Map(outputFiles.map(({ path, contents }) => [path.slice(folder.length), contents]));
}

/** Serves files on a free port of the loopback interface. */
async function serve(files: ReadonlyMap<string, Uint8Array>): Promise<{ origin: string; close: () => Promise<void> }> {
  const server = createServer(({ url = "/" }, response) => {
    const script = files.get(url);
    if (script) response.writeHead(200, { "content-type": "text/javascript" }).end(script);
    else if (url === "/")
      response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>test</title>");
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What the browser is not to do: reach the network, or need a sandbox that containers and root don't have. */
const browserArguments = ["--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"];

/**
 * Starts the peer `chromium` with an empty page, calls `use`, and ends it, whatever happened. An error that nothing in the
 * page catches makes it reject. Gate tests with `describeWithPeers(…, ["chromium"], …)`.
 */
export async function withChromium<T>(
  { modules }: ChromiumOptions,
  use: (browser: BrowserPage) => Promise<T>,
): Promise<T> {
  const executablePath = peer("chromium")?.command.at(-1);
  if (executablePath === undefined) throw new Error("no chromium on this machine (npm run peers)");
  const [{ chromium }, files] = await Promise.all([import("playwright-core"), bundle(modules)]);
  const server = await serve(files);
  try {
    const browser = await chromium.launch({ executablePath, chromiumSandbox: false, args: browserArguments });
    try {
      const page = await browser.newPage();
      const uncaught: Error[] = [];
      page.on("pageerror", (error) => uncaught.push(error));
      await page.goto(server.origin);
      const call = <R>(module: string, name: string, ...args: readonly unknown[]) =>
        // As text: what tests are transformed with is not there in the page.
        page.evaluate<R>(
          `import("/${module}.js").then((module) => module[${JSON.stringify(name)}](...${JSON.stringify(args)}))`,
        );
      const result = await use({ page, origin: server.origin, call });
      const [first] = uncaught;
      if (first !== undefined) throw first;
      return result;
    } finally {
      await browser.close();
    }
  } finally {
    await server.close();
  }
}
