import { Command, Option } from "commander";
import { collect, oneOf, parseEpoch, parseJobs, parseSize, parseUuid } from "./options.js";

declare const SEXTANT_VERSION: string;

/** A verb's action: it returns the exit code. */
// biome-ignore lint/suspicious/noExplicitAny: commander hands over the positional arguments as they are declared
type Action = (...args: any[]) => Promise<number>;

/** The command line as data; each verb's code is loaded when it runs, so that `--version` and `--help` stay fast. */
export function createProgram(finish: (exit: number) => void): Command {
  const program = new Command("sextant")
    .description("Build, sign, inspect and match Linux system extensions: sysext, confext and initrd images.")
    .version(SEXTANT_VERSION, "-V, --version")
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .showHelpAfterError(false)
    .enablePositionalOptions();
  const verb = (synopsis: string, description: string, load: () => Promise<Action>) =>
    program
      .command(synopsis)
      .description(description)
      .exitOverride()
      .configureOutput({ writeErr: () => {} })
      .action(async (...args) => {
        const exit = await (await load())(...args);
        finish(exit);
      });
  const reading = (command: Command) =>
    command
      .option("--json", "one JSON document on standard output")
      .option("--stats", "requests and bytes read, on standard error");
  const withDevices = (command: Command) =>
    command.option(
      "--device <image>",
      "an extra device of an EROFS image, in the order of its table; repeatable",
      collect,
    );
  const trusting = (command: Command) =>
    withDevices(command).option(
      "--certificate <file>",
      "check the signature and every block read; repeatable",
      collect,
    );

  packOptions(
    verb("pack", "write a filesystem image from directories, tars, .debs, cpio archives and OCI layouts", async () => {
      return (await import("./verbs/pack.js")).pack;
    })
      .argument("<source...>", "directories and archives; later ones add to and replace earlier ones")
      .requiredOption("-o, --output <image>", "the image to write, - for standard output")
      .addOption(
        new Option("--layout <layout>", "composefs: metadata as mkcomposefs writes it").argParser(oneOf(["composefs"])),
      ),
  );
  buildOptions(
    packOptions(
      verb("build", "build an extension image of one feature", async () => (await import("./verbs/build.js")).build),
    ),
  );

  trusting(
    reading(
      verb("inspect", "tell what an image is", async () => (await import("./verbs/inspect.js")).inspect).argument(
        "<image>",
        "a path or http(s) URL",
      ),
    ),
  );
  trusting(
    reading(
      verb("ls", "list a directory of an image", async () => (await import("./verbs/ls.js")).ls)
        .argument("<image>")
        .argument("[path]", "a path in the image", "/")
        .option("-l, --long", "modes, owners, sizes and times")
        .option("-R, --recursive", "everything below"),
    ),
  );
  trusting(
    verb("cat", "print files of an image", async () => (await import("./verbs/cat.js")).cat)
      .argument("<image>")
      .argument("<path...>")
      .option("--stats", "requests and bytes read, on standard error"),
  );
  trusting(
    reading(
      verb("extract", "unpack an image into a directory", async () => (await import("./verbs/extract.js")).extract)
        .argument("<image>")
        .argument("[path]", "only what is below this path of the image", "/")
        .requiredOption("-o, --output <directory>", "a directory that is not there yet, or is empty")
        .option("--skip-devices", "leave out device nodes, also as root; nobody else can make them"),
    ),
  );
  trusting(
    reading(
      verb(
        "dump",
        "print every field of an image with its offset",
        async () => (await import("./verbs/dump.js")).dump,
      ).argument("<image>"),
    ),
  );
  withDevices(
    reading(
      verb(
        "check",
        "check structure, every block and the signature",
        async () => (await import("./verbs/check.js")).check,
      )
        .argument("<image>")
        .option("--certificate <file>", "a certificate that may have signed it; repeatable", collect)
        .option("--allow-unsigned", "an image without a signature is no failure"),
    ),
  );
  verb(
    "keygen",
    "make a signing key and a self-signed certificate",
    async () => (await import("./verbs/keygen.js")).keygen,
  )
    .argument("<directory>")
    .option("--algorithm <name>", "rsa-2048, rsa-4096, ecdsa-p256 or ecdsa-p384", "rsa-2048")
    .option("--common-name <name>", "the certificate's subject", "sextant")
    .option("--days <days>", "validity of the certificate", "3650")
    .option("--json", "one JSON document on standard output");
  trusting(
    reading(
      verb(
        "match",
        "tell whether hosts would take images, and why",
        async () => (await import("./verbs/match.js")).match,
      )
        .argument("[image...]", "paths or http(s) URLs")
        .requiredOption("--host <host...>", "os-release files, root directories or host profiles; repeatable")
        .option("--arch <architecture>", "of hosts that do not say; default: this machine's")
        .option("--scope <scope>", "system, initrd or portable", oneOf(["system", "initrd", "portable"]))
        .option("--class <class>", "sysext or confext; default: what the image is", oneOf(["sysext", "confext"]))
        .option("--name <name>", "the image's name; default: from its file name, as systemd takes it")
        .option("--any", "exit 0 when every image fits at least one host"),
    ),
  );
  planOptions(
    verb("plan", "tell what systemd would merge into a host, in which order and how", async () => {
      return (await import("./verbs/plan.js")).plan;
    }),
  );
  verb("compare-versions", "compare two versions as systemd does", async () => {
    return (await import("./verbs/compare-versions.js")).compare;
  })
    .argument("<a>")
    .argument("<b>")
    .option("--json", "one JSON document on standard output");
  return program;
}

function planOptions(command: Command): Command {
  return command
    .requiredOption("--root <directory>", "the host's root, searched as systemd-sysext --root does")
    .option("--class <class>", "sysext or confext", oneOf(["sysext", "confext"]))
    .option("--arch <architecture>", "of the host; default: this machine's")
    .option("--force", "merge what does not match, too")
    .option("--mutable <mode>", "no, auto, yes, import, ephemeral or ephemeral-import")
    .option("--noexec <boolean>", "whether programs may be run from what is merged")
    .option("--hierarchies <paths>", "separated by colons; default: /usr:/opt, or /etc of confexts")
    .option("--overlay-options <options>", "as in $SYSTEMD_SYSEXT_OVERLAYFS_MOUNT_OPTIONS")
    .option("--image-policy <policy>", "what raw images may be")
    .option("--fail-on <what>", "exit 1 on findings of a rule, or of a severity and worse; repeatable", collect)
    .option("--json", "one JSON document on standard output");
}

function packOptions(command: Command): Command {
  return command
    .addOption(new Option("--format <format>", "erofs").default("erofs").argParser(oneOf(["erofs"])))
    .option("--compress <method>", "none, lz4, lz4hc[:1-12], deflate[:1-9] or zstd[:1-22]", "zstd:3")
    .addOption(
      new Option("--cluster <size>", "largest physical cluster, 4K to 1M")
        .default(64 << 10, "64K")
        .argParser(parseSize),
    )
    .option("--compress-for <glob=method>", "another compression for some files; repeatable", collect)
    .option("--fragments", "ends of files share clusters")
    .option("--all-fragments", "all files share clusters")
    .option("--dedupe", "content that comes again shares clusters")
    .option("--tail-packing", "small ends of compressed files stand behind their inodes")
    .option("--order <order>", "of content: usual, path, size, or profile=FILE as a boot touches it")
    .option("--hot-compress <method>", "what the content that a profile names is compressed with")
    .option("--min-kernel <version>", "the oldest Linux that has to mount it; says what it gives up")
    .addOption(new Option("--indexes <form>", "of compressed files").argParser(oneOf(["compact", "full", "extents"])))
    .option("--wide", "block numbers of 48 bits, as images beyond 16 TiB have them anyway")
    .option("--xattr-prefix <prefix>", "beginning that names of xattrs have in common; repeatable", collect)
    .option("--xattr-filter", "inodes tell which xattrs they do not have")
    .option("--fingerprints", "digests of files as xattrs, by which kernels share page cache between images")
    .option("--all-root", "owner and group 0 for everything")
    .option("--owners <file>", "owners, modes, xattrs and devices as data; see the README")
    .option("--epoch <seconds>", "later times are set to this; 0 sets every time to 0", parseEpoch)
    .option("--uuid <uuid>", "of the filesystem; default: from the content", parseUuid)
    .option("--label <text>", "volume name, at most 15 bytes")
    .option("--jobs <n>", "workers", parseJobs)
    .option("--json", "what was written, as one JSON document on standard output")
    .option("--stats", "what it cost, on standard error");
}

function buildOptions(command: Command): Command {
  return command
    .option("--name <name>", "the extension's name")
    .option("--version <version>", "the feature's version")
    .option("--from <source...>", "directories, tars, .debs, cpio archives and OCI layouts; repeatable")
    .option("--class <class>", "sysext or confext", oneOf(["sysext", "confext"]), "sysext")
    .option("--id <id>", "the host's ID=, or _any")
    .option("--version-id <version>", "the host's VERSION_ID=")
    .option("--level <level>", "SYSEXT_LEVEL= or CONFEXT_LEVEL=")
    .option("--scope <scope>", "where it may be used: system, initrd, portable; repeatable", collect)
    .option("--arch <architecture>", "systemd's name, or _any; default: this machine's")
    .option("--verity <how>", "signed, unsigned or none", oneOf(["signed", "unsigned", "none"]))
    .option("--bare", "the filesystem alone, without a partition table")
    .option("--key <file>", "private key, PEM")
    .option("--certificate <file>", "certificate of the key, PEM")
    .option("--seed <uuid>", "for UUIDs and salt; default: from the content", parseUuid)
    .option("--sector-size <bytes>", "512 or 4096", parseSize)
    .option("-o, --output <image>", "the image to write; default: NAME.raw");
}
