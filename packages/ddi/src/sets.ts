import type { PartitionArchitecture, PartitionKind, PartitionRole } from "./partition-types.js";
import type { Ddi, Partition } from "./read.js";

/** A filesystem with what vouches for it. */
export interface PartitionSet {
  readonly role: PartitionRole;
  /** Undefined for the one `linux-generic` partition of an image without typed ones. */
  readonly architecture: PartitionArchitecture | undefined;
  readonly data: Partition;
  readonly verity: Partition | undefined;
  readonly signature: Partition | undefined;
}

export interface ChooseOptions {
  /** The architecture that is preferred, as systemd prefers the machine's own. */
  readonly architecture?: PartitionArchitecture;
  /** Second choice, such as x86 on x86-64. */
  readonly secondary?: PartitionArchitecture;
}

const find = (
  ddi: Ddi,
  role: PartitionRole,
  architecture: PartitionArchitecture | undefined,
  kind: PartitionKind,
): Partition | undefined =>
  ddi.partitions.find(
    (one) => !one.ignored && one.role === role && one.architecture === architecture && one.kind === kind,
  );

/** Every filesystem of an image with its verity and signature partitions, in the order of the filesystems' entries. */
export function partitionSets(ddi: Ddi): readonly PartitionSet[] {
  const sets: PartitionSet[] = [];
  for (const data of ddi.partitions) {
    const { role, architecture, kind, ignored } = data;
    if (ignored || kind !== "data" || role === undefined) continue;
    const verity = find(ddi, role, architecture, "verity");
    const signature = find(ddi, role, architecture, "verity-sig");
    sets.push({ role, architecture, data, verity, signature });
  }
  const [generic, ...more] = ddi.partitions.filter((one) => !one.ignored && one.designator === "linux-generic");
  if (sets.length === 0 && generic && more.length === 0) {
    sets.push({ role: "root", architecture: undefined, data: generic, verity: undefined, signature: undefined });
  }
  return sets;
}

/**
 * What systemd would mount of an image (`dissect-image.c`): of root and of /usr the set of the preferred architecture,
 * else of the second choice, else the first there is, whatever its architecture. Root comes first.
 */
export function chooseSets(ddi: Ddi, options: ChooseOptions = {}): readonly PartitionSet[] {
  const sets = partitionSets(ddi);
  return (["root", "usr"] as const).flatMap((role) => {
    const of = sets.filter((set) => set.role === role);
    const [chosen] = [options.architecture, options.secondary]
      .flatMap((wanted) => (wanted === undefined ? [] : of.filter(({ architecture }) => architecture === wanted)))
      .concat(of);
    return chosen ? [chosen] : [];
  });
}
