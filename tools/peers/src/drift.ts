import { oracleSystemdVersion } from "./catalog.js";

/**
 * A line to print where systemd is not the one that the recorded oracles come from, so that differences from them are
 * reported and fail nothing; undefined where it is.
 */
export function systemdDrift(version: string): string | undefined {
  if (Number.parseInt(version, 10) === oracleSystemdVersion) return undefined;
  return `drift: systemd is ${version}, the recorded oracles come from ${oracleSystemdVersion}: differences are reported, not failed`;
}
