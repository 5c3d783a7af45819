export { cacheFolder, rootFolder } from "./cache.js";
export { oracleSystemdVersion, type PeerName, type Suite } from "./catalog.js";
export { systemdDrift } from "./drift.js";
export { describeAsRoot, describeWithMounts, describeWithPeers } from "./gate.js";
export { canMount, withLoopMount } from "./mounts.js";
export { type Bind, inSystemdRoot, type SystemdRootOptions } from "./namespace.js";
export { type Peer, peer } from "./peer.js";
export { type RunOptions, type RunResult, run } from "./process.js";
export { type SysextOptions, type SysextResult, systemdDissect, systemdSysext } from "./systemd.js";
