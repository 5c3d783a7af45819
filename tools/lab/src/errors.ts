/** A machine that did not do what it was started for; `console` is what its kernel had to say. */
export class LabError extends Error {
  override readonly name = "LabError";

  constructor(
    message: string,
    /** Everything on the serial console. */
    readonly console: string,
  ) {
    const tail = console.trimEnd().split("\n").slice(-60).join("\n");
    super(tail === "" ? `${message}; nothing on the console` : `${message}; the console ends with\n${tail}`);
  }
}
