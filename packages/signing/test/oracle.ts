import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryPath } from "@sextant/testkit";

/** A file that systemd-repart or openssl made; test-images/ddi/README.md says how. */
export function oracle(name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(repositoryPath, "test-images", "ddi", name)));
}

export const oracleKey = oracle("throwaway-key.pem");
export const oracleCertificate = oracle("cert.pem");
/** 64 lower-case hexadecimal digits without a line end: what is signed. */
export const rootHashText = oracle("rh.txt");
/** What `openssl smime -sign -noattr -nosmimecap -binary -outform der` made of it. */
export const oracleSignature = oracle("rh.p7s");

/** The code of the error that `run` throws or rejects with, or what it did instead. */
export async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run();
    return "no error";
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}
