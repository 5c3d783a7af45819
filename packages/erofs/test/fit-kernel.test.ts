import { describe, expect, it } from "vitest";
import { type FeatureChoice, fitKernel, parseKernelVersion } from "../src/index.js";

const wanted: FeatureChoice = {
  compression: { method: "zstd", level: 3, clusterBytes: 65536 },
  fragments: "all",
  tailPacking: true,
  dedupe: true,
};

const lz4hc = (clusterBytes: number) => ({ method: "lz4hc", level: 12, clusterBytes });

describe("fitKernel", () => {
  it.each([
    ["6.10", wanted, []],
    ["7.2", wanted, []],
    ["6.9", { ...wanted, compression: lz4hc(65536) }, ["zstd"]],
    ["6.1", { ...wanted, compression: lz4hc(65536) }, ["zstd"]],
    [
      "5.17",
      { ...wanted, compression: lz4hc(65536), fragments: "none", dedupe: false },
      ["zstd", "fragments", "dedupe"],
    ],
    [
      "5.4",
      { compression: lz4hc(4096), fragments: "none", tailPacking: false, dedupe: false },
      ["zstd", "clusters larger than 4 KiB", "fragments", "tail packing", "dedupe"],
    ],
  ])("%s", (version, choice, gaveUp) => {
    const kernel = parseKernelVersion(version);
    if (kernel === undefined) throw new Error(version);
    const fitted = fitKernel(wanted, kernel);
    expect(fitted).toMatchObject(choice);
    expect(fitted.gaveUp.map(({ feature }) => feature)).toEqual(gaveUp);
  });

  it("takes deflate from 6.6 on", () => {
    const deflate: FeatureChoice = { ...wanted, compression: { method: "deflate", level: 9, clusterBytes: 32768 } };
    expect(fitKernel(deflate, { major: 6, minor: 6 }).compression).toEqual(deflate.compression);
    expect(fitKernel(deflate, { major: 6, minor: 5 }).compression).toEqual(lz4hc(32768));
  });

  it("refuses kernels that mount nothing of this", () => {
    expect(() => fitKernel(wanted, { major: 5, minor: 3 })).toThrow(RangeError);
  });

  it.each([
    ["6.10", { major: 6, minor: 10 }],
    ["6.12.9-amd64", { major: 6, minor: 12 }],
    ["7.0-rc3", { major: 7, minor: 0 }],
    ["6", undefined],
    ["", undefined],
    ["six", undefined],
    ["6.1x", undefined],
  ])("reads %s", (text, version) => {
    expect(parseKernelVersion(text)).toEqual(version);
  });
});
