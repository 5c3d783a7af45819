/** `e_machine` by systemd's names of architectures (systemd's `architecture.c`); those of two widths or orders say which. */
const machines: Readonly<Record<number, (bits: 32 | 64, littleEndian: boolean) => string | undefined>> = {
  2: () => "sparc",
  3: () => "x86",
  8: (bits, little) => `mips${bits === 64 ? "64" : ""}${little ? "-le" : ""}`,
  15: (bits) => (bits === 64 ? "parisc64" : "parisc"),
  20: (_, little) => (little ? "ppc-le" : "ppc"),
  21: (_, little) => (little ? "ppc64-le" : "ppc64"),
  22: (bits) => (bits === 64 ? "s390x" : "s390"),
  40: (_, little) => (little ? "arm" : "arm-be"),
  42: (bits) => (bits === 64 ? "sh64" : "sh"),
  43: () => "sparc64",
  50: () => "ia64",
  62: () => "x86-64",
  183: (_, little) => (little ? "arm64" : "arm64-be"),
  243: (bits) => `riscv${bits}`,
  258: (bits) => (bits === 64 ? "loongarch64" : undefined),
  36902: () => "alpha",
};

/** The architecture that a machine number means; undefined where systemd has no name for it. */
export function architectureOf(machine: number, bits: 32 | 64, littleEndian: boolean): string | undefined {
  return machines[machine]?.(bits, littleEndian);
}
