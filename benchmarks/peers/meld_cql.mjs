// MELD of one Bundle by cql-execution, as often as asked.
//
//   node meld_cql.mjs FOLDER BUNDLE
//
// FOLDER is where `npm ci` put the packages. `meld.cql` is translated to ELM once, before anything is
// timed. Each line on standard input is a number of runs; the answer is one line of JSON.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, file] = process.argv.slice(2).map((path) => resolve(path));
const require = createRequire(`${folder}/`);
const cql = require("cql-execution");
const fhir = require("cql-exec-fhir");
const load = (name) =>
  import(pathToFileURL(`${folder}/node_modules/@cqframework/cql/${name}.mjs`).href);

async function translated(text) {
  const { SystemModelInfoProvider } = await load("cql");
  const translator = await load("cql-to-elm");
  const { CqlTranslator, LibraryManager, ModelManager, createModelInfoProvider } = translator;
  const models = new ModelManager(undefined, false);
  const model = `${folder}/node_modules/cql-exec-fhir/lib/modelInfos/fhir-modelinfo-4.0.1.xml`;
  const xml = readFileSync(model, "utf8");
  models.modelInfoLoader.registerModelInfoProvider(new SystemModelInfoProvider());
  models.modelInfoLoader.registerModelInfoProvider(
    createModelInfoProvider((id) => (id === "FHIR" ? translator.stringAsSource(xml) : null)),
  );
  // The text has no unit but that of a duration.
  const none = () => {
    throw new Error("no units are converted");
  };
  const units = translator.createUcumService(none, () => null, none, none);
  const manager = new LibraryManager(models, undefined, undefined, units);
  const translation = CqlTranslator.fromText(text, manager);
  const errors = translation.errors.asJsReadonlyArrayView();
  if (errors.length) throw new Error(errors.map((error) => error.message).join("\n"));
  return JSON.parse(translation.toJson());
}

const text = readFileSync(new URL("meld.cql", import.meta.url), "utf8");
const executor = new cql.Executor(new cql.Library(await translated(text)));
const body = readFileSync(file, "utf8");

async function meld() {
  const patients = fhir.PatientSource.FHIRv401();
  patients.loadBundles([JSON.parse(body)]);
  const { patientResults } = await executor.exec(patients);
  return Object.values(patientResults)[0].MELD;
}

for await (const line of createInterface({ input: process.stdin })) {
  const started = process.hrtime.bigint();
  let value;
  for (let run = 0; run < Number(line); run += 1) value = await meld();
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  console.log(JSON.stringify({ seconds, value }));
}
