import { CommanderError } from "commander";
import { exitCode, toFailure, usageError } from "./errors.js";
import { createProgram } from "./program.js";

/** Runs the command line and sets the process's exit code; never throws. */
export async function main(argv: readonly string[]): Promise<void> {
  // A reader that goes away (`sextant ls … | head`) is no error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    process.exit(error.code === "EPIPE" ? 0 : exitCode.malformed);
  });
  process.exitCode = await run(argv);
}

async function run(argv: readonly string[]): Promise<number> {
  const subject = argv.find((word) => !word.startsWith("-")) ?? "sextant";
  try {
    const outcome = { exit: exitCode.done as number };
    const program = createProgram((exit) => {
      outcome.exit = exit;
    });
    await program.parseAsync(argv, { from: "user" });
    return outcome.exit;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return exitCode.done;
      if (error.code === "commander.help") {
        return report(usageError("nothing to do", "no verb was given", "sextant --help"), subject);
      }
      const why = error.message.replace(/^error: /, "").replaceAll("\n", " ");
      const help = error.code === "commander.unknownCommand" ? "sextant --help" : `sextant ${subject} --help`;
      return report(usageError(subject, why, subject === "sextant" ? "sextant --help" : help), subject);
    }
    return report(error, subject);
  }
}

function report(error: unknown, subject: string): number {
  const failure = toFailure(error, subject);
  process.stderr.write(`${failure.line}\n`);
  if (failure.hint) process.stderr.write(`hint: ${failure.hint}\n`);
  return failure.exit;
}
