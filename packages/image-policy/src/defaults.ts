import { denyPolicy, type ImagePolicy, parsePolicy } from "./policy.js";

const loose = "verity+signed+encrypted+encryptedwithintegrity+unprotected+absent";

/** What extensions may be unless something else is said (systemd 262, `image-policy.c`: `image_policy_sysext` and others). */
export const defaultPolicies: Readonly<Record<"sysext" | "confext", ImagePolicy>> = {
  sysext: parsePolicy(`root=${loose}:usr=${loose}`),
  confext: parsePolicy(`root=${loose}`),
};

/** What they may be where a boot loader put them into an initrd. */
export const strictPolicies: Readonly<Record<"sysext" | "confext", ImagePolicy>> = {
  sysext: parsePolicy("root=signed+absent:usr=signed+absent"),
  confext: parsePolicy("root=signed+absent"),
};

/** Below `/.extra`, what the boot loader passes for each class. */
const strictFolders = {
  sysext: ["/.extra/sysext/", "/.extra/global_sysext/"],
  confext: ["/.extra/confext/", "/.extra/global_confext/"],
} as const;

/** Where an image lies, and who asks. */
export interface PolicyPlace {
  readonly kind: "sysext" | "confext";
  /** Absolute, without symlinks. */
  readonly path: string;
  /** Whether systemd itself runs in an initrd, and not for another root (`--root=`). */
  readonly inInitrd: boolean;
}

/** The policy for an image when nobody gives one (systemd 262, `sysext.c`: `pick_image_policy`). */
export function policyFor({ kind, path, inInitrd }: PolicyPlace): ImagePolicy {
  if (!inInitrd || !path.startsWith("/.extra/")) return defaultPolicies[kind];
  const folders = [...strictFolders.sysext, ...strictFolders.confext];
  return folders.some((folder) => path.startsWith(folder)) ? strictPolicies[kind] : denyPolicy;
}
