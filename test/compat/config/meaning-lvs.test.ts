import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { needs } from "../../harness/needs.js";
import { checkerDumpScript, readDump } from "../../harness/reference-dump.js";
import { guestResults, runInUml, type UmlResult } from "../../harness/uml.js";
import { type CorpusFile, readCorpus } from "./corpus.js";
import { differing } from "./data-file.js";
import { meaningOfConfig } from "./lvs-holdfast.js";
import { meaningOfCheckData } from "./lvs-keepalived.js";
import { loadCorpusFile } from "./our-config.js";

/**
 * Good files mean the same to keepalived's checker and to us: what it dumps of services, real servers and checks, and our
 * configuration, agree in the fields that lvs-keepalived.ts lists. The checker starts only where IPVS is, so all runs are in
 * one boot of a User Mode Linux kernel, and the files are a sample: about a second each.
 */
const SAMPLE = 40;
const LIMIT_MS = 400_000;
const skip = needs("root", "uml", "keepalived");

const candidates = readCorpus().filter(
  (file) =>
    file.good && file.debian === undefined && file.holdfast === undefined && startable(file) && services(file) > 0,
);
/** The subject's own files first; then long ones, in which more is used. */
const files = [
  ...candidates.filter(({ subject }) => subject === "lvs"),
  ...candidates.filter(({ subject }) => subject !== "lvs").sort((a, b) => b.text.length - a.text.length),
].filter((_file, i, all) => (i * SAMPLE) % all.length < SAMPLE);

describe("good files mean to keepalived's checker what they mean to us", { skip }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-meaning-lvs-"));
  const own = ({ name }: CorpusFile): string => name.replaceAll("/", ".");
  let outcome: UmlResult | undefined;

  before(
    async () => {
      const jobs = files.map((file) => ({
        config: file.path,
        configId: file.configId,
        folder: `${guestResults}/${own(file)}`,
      }));
      writeFileSync(path.join(folder, "dumps.sh"), checkerDumpScript(jobs));
      const argv = ["sh", "-c", `modprobe ip_vs; sh ${guestResults}/dumps.sh`];
      outcome = await runInUml({ argv, resultsDir: folder, timeoutMs: LIMIT_MS });
    },
    { timeout: LIMIT_MS + 10_000 },
  );
  after(() => rmSync(folder, { recursive: true, force: true }));

  test("the guest ends by itself", () => {
    assert.equal(outcome?.exitCode, 0, outcome?.output.slice(-2000));
  });

  for (const file of files) {
    test(file.name, () => {
      const data = readDump(path.join(folder, own(file)), "keepalived_check.data");
      const { config } = loadCorpusFile(file);
      assert.ok(config !== undefined);
      const differences = differing(meaningOfCheckData(data), meaningOfConfig(config));
      if (file.meaningDiffers === undefined) assert.deepEqual(differences, {}, file.about);
      else assert.notDeepEqual(differences, {}, `no difference any more: ${file.meaningDiffers}`);
    });
  }
});

/** Without the files that the block SSL names, keepalived's checker ends. */
function startable({ text }: CorpusFile): boolean {
  return !/^SSL /m.test(text);
}

function services(file: CorpusFile): number {
  const { config } = loadCorpusFile(file);
  return config?.virtualServers.length ?? 0;
}
