/** The suites of Debian that peers may come from besides the running machine. */
export type Suite = "sid" | "trixie";

/** The suites of Debian that packages are taken from. */
export type DebianSuite = Suite | "bookworm";

/** How a program of a suite's root is started; see `peer`. */
export type Entry =
  /** Through the root's own dynamic loader: paths mean what they mean on this machine, and any user may do it. */
  | "loader"
  /** In a private mount namespace whose root is the suite's root: for tools that mount; needs root. */
  | "namespace";

export interface CatalogRow {
  /** The Debian package that has the program. */
  readonly package: string;
  /** Where to look, best first. */
  readonly from: readonly (Suite | "machine")[];
  /** Oldest version that tests may use, for programs of the running machine. */
  readonly least?: string;
  /** Default `loader`. */
  readonly entry?: Entry;
  /** Arguments that make it print its version; default `--version`. */
  readonly versionArgs?: readonly string[];
  /** Path below the root or on the machine, where it is not on the usual PATH. */
  readonly path?: string;
}

const erofs: CatalogRow = { package: "erofs-utils", from: ["sid", "machine"], least: "1.9" };
const squashfs: CatalogRow = {
  package: "squashfs-tools",
  from: ["sid", "machine"],
  least: "4.6",
  versionArgs: ["-version"],
};
const common = (name: string, more: Partial<CatalogRow> = {}): CatalogRow => ({
  package: name,
  from: ["machine", "sid"],
  ...more,
});
const systemd = (name: string, more: Partial<CatalogRow> = {}): CatalogRow => ({
  package: name,
  from: ["sid"],
  entry: "namespace",
  ...more,
});

/** Every peer: a row a program. */
export const catalog = {
  "mkfs.erofs": erofs,
  "fsck.erofs": erofs,
  "dump.erofs": erofs,
  mksquashfs: squashfs,
  unsquashfs: squashfs,
  veritysetup: { package: "cryptsetup-bin", from: ["sid", "machine"], least: "2.6" },
  openssl: common("openssl", { versionArgs: ["version"] }),
  gpg: { package: "gnupg", from: ["machine"] },
  "systemd-sysext": systemd("systemd"),
  "systemd-confext": systemd("systemd"),
  "systemd-dissect": systemd("systemd-container"),
  "systemd-repart": systemd("systemd-repart"),
  "systemd-sysupdate": systemd("systemd-container", { path: "/usr/lib/systemd/systemd-sysupdate" }),
  "systemd-analyze": systemd("systemd", { entry: "loader" }),
  "systemd-vpick": systemd("systemd", { entry: "loader" }),
  tar: common("tar"),
  bsdtar: common("libarchive-tools"),
  cpio: common("cpio"),
  "dpkg-deb": { package: "dpkg", from: ["machine", "sid"] },
  gzip: common("gzip"),
  lz4: { package: "lz4", from: ["machine"] },
  xz: common("xz-utils"),
  zstd: common("zstd"),
  getfattr: common("attr"),
  setfattr: common("attr"),
  sfdisk: common("fdisk"),
  blkid: common("util-linux"),
  readelf: common("binutils", { from: ["machine"] }),
  "qemu-system-x86_64": { package: "qemu-system-x86", from: ["machine"], least: "7.2" },
  busybox: { package: "busybox-static", from: ["machine"], versionArgs: ["--help"] },
  chromium: { package: "chromium", from: ["machine"] },
} as const satisfies Record<string, CatalogRow>;

/** A program that tests compare with. */
export type PeerName = keyof typeof catalog;

/** What each suite's root has beyond Debian's minimal base. */
export const suitePackages: Readonly<Record<Suite, readonly string[]>> = {
  sid: [
    "attr",
    "cpio",
    "cryptsetup-bin",
    "erofs-utils",
    "fdisk",
    "libarchive-tools",
    "openssl",
    "squashfs-tools",
    "systemd",
    "systemd-container",
    "systemd-repart",
    "xz-utils",
    "zstd",
  ],
  trixie: ["erofs-utils", "squashfs-tools"],
};

/**
 * What the running machine itself must have: programs that don't run out of another suite's root, `getfattr`, which
 * reads the xattrs of files whose names are not UTF-8, what the laboratory boots kernels with, a browser, and `time`,
 * which tells benches how much memory a process took.
 */
export const machinePackages: readonly string[] = [
  "attr",
  "binutils",
  "busybox-static",
  "chromium",
  "gnupg",
  "lz4",
  "openssl",
  "qemu-system-x86",
  "time",
];

/** The kernels that the laboratory boots, by the series that tests ask for, each out of its suite of Debian. */
export const kernelSuites = { "6.1": "bookworm", "6.12": "trixie", newest: "sid" } as const satisfies Record<
  string,
  DebianSuite
>;

/** A series of kernels; `newest` is what sid has. */
export type KernelName = keyof typeof kernelSuites;

/** Small kernels for virtual machines: a few modules, and no firmware. */
export const kernelPackage = "linux-image-cloud-amd64";

/** The systemd that the recorded oracles come from; another one reports differences as drift. */
export const oracleSystemdVersion = 262;
