// Asks an independent UCUM engine for the factor of every (analyte, unit) pair of the catalog.
//
//   python tools/ucum_pairs.py | node tools/ucum_oracle.mjs FOLDER > tests/spec/units/ucum_oracle.json
//
// FOLDER is any folder outside the repository in which `npm install @lhncbc/ucum-lhc` was run.
// The table is committed; nothing of this runs when the project runs or is tested.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

const folder = resolve(process.argv[2] ?? ".");
const require = createRequire(`${folder}/`);
const { UcumLhcUtils } = require("@lhncbc/ucum-lhc");
const { version } = JSON.parse(
  readFileSync(`${folder}/node_modules/@lhncbc/ucum-lhc/package.json`, "utf8"),
);
const engine = UcumLhcUtils.getInstance();

// Pairs no unit engine can know: the factor is not between two units of one quantity.
const exempt = {
  urea_nitrogen: "mg/dL counts nitrogen, mmol/L counts urea: two quantities, one factor by convention",
  alpha_fetoprotein: "an international unit is an amount of activity; its mass is that of WHO standard 72/225",
};

// An arbitrary unit cancels where both sides have it; the engine refuses even that, so moles stand in.
const ARBITRARY = /\[[iI]U\]/g;

function factor({ unit, canonical, molar_mass: mass }) {
  if (unit.match(ARBITRARY) && canonical.match(ARBITRARY)) {
    const [from, to] = [unit, canonical].map((code) => code.replace(ARBITRARY, "mol"));
    const answer = engine.convertUnitTo(from, 1, to);
    if (answer.status === "succeeded") return { how: "arbitrary", factor: answer.toVal };
  }
  for (const options of [{}, { charge: 1 }, mass && { molecularWeight: Number(mass) }]) {
    if (!options) continue;
    const answer = engine.convertUnitTo(unit, 1, canonical, options);
    if (answer.status === "succeeded") {
      return { how: Object.keys(options)[0] ?? "metric", factor: answer.toVal };
    }
  }
  return { how: "none", factor: null };
}

const pairs = JSON.parse(readFileSync(0, "utf8"));
const rows = pairs.map((pair) => {
  const valid = engine.validateUnitString(pair.unit).status === "valid";
  const answer = factor(pair);
  const row = { ...pair, valid, ...answer };
  if (answer.factor === null || (pair.analyte === "urea_nitrogen" && answer.how === "molecularWeight")) {
    return { ...row, how: "exempt", factor: null, reason: exempt[pair.analyte] ?? "not convertible" };
  }
  return row;
});
const lines = rows.map((row) => `    ${JSON.stringify(row)}`).join(",\n");
process.stdout.write(`{\n  "engine": "@lhncbc/ucum-lhc ${version}",\n  "pairs": [\n${lines}\n  ]\n}\n`);
