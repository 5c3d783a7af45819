/** Which parser a level uses. */
import { parseDouble } from "./double";
import { parseFast } from "./fast";
import { lazyParse } from "./lazy";
import { Strategy, strategy } from "./levels";
import { optimalParse } from "./optimal";

export function parse(from: u32, to: u32, start: u32): void {
  if (strategy == Strategy.fast) parseFast(from, to, start);
  else if (strategy == Strategy.double) parseDouble(from, to, start);
  else if (strategy < Strategy.optimal) lazyParse(from, to, start);
  else optimalParse(from, to, start);
}
