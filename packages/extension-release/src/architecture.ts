/** systemd's names of architectures (basic/architecture.c), the only spellings that `ARCHITECTURE=` and `.v/` picks know. */
export const architectures = [
  "alpha",
  "arc",
  "arc-be",
  "arm",
  "arm-be",
  "arm64",
  "arm64-be",
  "cris",
  "ia64",
  "loongarch64",
  "m68k",
  "mips",
  "mips-le",
  "mips64",
  "mips64-le",
  "nios2",
  "parisc",
  "parisc64",
  "ppc",
  "ppc-le",
  "ppc64",
  "ppc64-le",
  "riscv32",
  "riscv64",
  "s390",
  "s390x",
  "sh",
  "sh64",
  "sparc",
  "sparc64",
  "tilegx",
  "x86",
  "x86-64",
] as const;

/** The name of an architecture as systemd spells it. */
export type Architecture = (typeof architectures)[number];

/** What `uname -m` says, and the architecture that systemd makes of it. */
export const unameArchitectures: Readonly<Record<string, Architecture>> = {
  aarch64: "arm64",
  aarch64_be: "arm64-be",
  alpha: "alpha",
  arc: "arc",
  arceb: "arc-be",
  armv4b: "arm-be",
  armv4l: "arm",
  armv4tb: "arm-be",
  armv4tl: "arm",
  armv5tb: "arm-be",
  armv5teb: "arm-be",
  armv5tejb: "arm-be",
  armv5tejl: "arm",
  armv5tel: "arm",
  armv5tl: "arm",
  armv6b: "arm-be",
  armv6l: "arm",
  armv7b: "arm-be",
  armv7l: "arm",
  armv7mb: "arm-be",
  armv7ml: "arm",
  armv8b: "arm-be",
  armv8l: "arm",
  crisv32: "cris",
  i386: "x86",
  i486: "x86",
  i586: "x86",
  i686: "x86",
  ia64: "ia64",
  loongarch64: "loongarch64",
  m68k: "m68k",
  mips: "mips",
  mips64: "mips64",
  nios2: "nios2",
  parisc: "parisc",
  parisc64: "parisc64",
  ppc: "ppc",
  ppc64: "ppc64",
  ppc64le: "ppc64-le",
  ppcle: "ppc-le",
  riscv32: "riscv32",
  riscv64: "riscv64",
  s390: "s390",
  s390x: "s390x",
  sh2: "sh",
  sh2a: "sh",
  sh3: "sh",
  sh4: "sh",
  sh4a: "sh",
  sh5: "sh64",
  sparc: "sparc",
  sparc64: "sparc64",
  tilegx: "tilegx",
  x86_64: "x86-64",
};

/**
 * Node's `process.arch`, on Linux. Node says `ppc64` for both byte orders; the builds for Linux are little-endian.
 */
export const nodeArchitectures: Readonly<Record<string, Architecture>> = {
  arm: "arm",
  arm64: "arm64",
  ia32: "x86",
  loong64: "loongarch64",
  mips: "mips",
  mipsel: "mips-le",
  ppc: "ppc",
  ppc64: "ppc64-le",
  riscv64: "riscv64",
  s390: "s390",
  s390x: "s390x",
  x64: "x86-64",
};

/**
 * The other architecture whose entries a `.v/` directory may give to a machine, by the native one
 * (`ARCHITECTURE_SECONDARY`, basic/architecture.h). It has no part in the match of `ARCHITECTURE=`.
 */
export const secondaryArchitectures: Readonly<Partial<Record<Architecture, Architecture>>> = {
  arm64: "arm",
  ppc64: "ppc",
  "ppc64-le": "ppc-le",
  s390x: "s390",
  "x86-64": "x86",
};

/** How Debian, RPM, OCI, LLVM and people spell architectures where they differ from systemd, in lower case. */
const otherSpellings: Readonly<Record<string, Architecture>> = {
  "386": "x86",
  amd64: "x86-64",
  arm64be: "arm64-be",
  arm64v8: "arm64",
  armel: "arm",
  armhf: "arm",
  armv7: "arm",
  armv7hl: "arm",
  armv8: "arm64",
  hppa: "parisc",
  hppa64: "parisc64",
  mips64el: "mips64-le",
  mips64le: "mips64-le",
  mipsel: "mips-le",
  mipsle: "mips-le",
  powerpc: "ppc",
  powerpc64: "ppc64",
  powerpc64le: "ppc64-le",
  ppc64el: "ppc64-le",
  riscv: "riscv64",
  "x86-32": "x86",
  x86_32: "x86",
};

const known: ReadonlySet<string> = new Set(architectures);

const lookUp = (table: Readonly<Record<string, Architecture>>, key: string): Architecture | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined;

/** Whether systemd knows an architecture by this name. */
export function isArchitecture(name: string): name is Architecture {
  return known.has(name);
}

/** The architecture of a machine whose `uname -m` is this, or undefined where systemd has none for it. */
export function architectureFromUname(machine: string): Architecture | undefined {
  return lookUp(unameArchitectures, machine);
}

/** The architecture of a machine whose Node.js says this as `process.arch`. */
export function architectureFromNode(arch: string): Architecture | undefined {
  return lookUp(nodeArchitectures, arch);
}

/**
 * systemd's name for an architecture that somebody spelled another way (`x86_64`, `amd64`, `aarch64`, `x64`, …): for
 * hints, and for input that is not a release file. Undefined where nothing comes near; a right name gives itself.
 */
export function suggestArchitecture(spelling: string): Architecture | undefined {
  const name = spelling.trim().toLowerCase();
  if (isArchitecture(name)) return name;
  return lookUp(otherSpellings, name) ?? lookUp(unameArchitectures, name) ?? lookUp(nodeArchitectures, name);
}
