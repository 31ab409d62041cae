import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { findingLines, hasErrors, testExitCode } from "../../../main/config/report.js";
import { needs } from "../../harness/needs.js";
import { projectRoot } from "../../harness/project.js";
import { ReferenceConfig, type Verdict } from "../../harness/reference-config.js";
import { parseHead, readCorpus } from "./corpus.js";
import { loadCorpusFile } from "./our-config.js";

/** Every file of the corpus: Debian's keepalived ends as its head says, and so do we. */
const corpus = readCorpus();
const skip = needs("root", "netns", "keepalived");

test("the corpus is large, and about half of it is good", () => {
  assert.ok(corpus.length >= 320, `${corpus.length} files`);
  const good = corpus.filter((file) => file.good).length / corpus.length;
  assert.ok(good > 0.4 && good < 0.6, `${Math.round(good * 100)} % good`);
  for (const { name, good, expected } of corpus)
    assert.equal(expected === 0, good, `${name}: expect and folder differ`);
});

test("every word that keepalived knows is somewhere in it", () => {
  const known = readFileSync(path.join(projectRoot, "test/golden/keywords-2.4.3.tsv"), "utf8").split("\n");
  const words = new Set(corpus.flatMap(({ text }) => text.split(/[^\w.-]+/)));
  const names = known.slice(1).map((line) => line.split("\t")[1]?.replace(/:$/, "") ?? "");
  const missing = names.filter((name) => /^[-\w.]+$/.test(name) && !words.has(name));
  assert.deepEqual([...new Set(missing)], []);
});

test("a head that says nothing, or a deviation without a reason, is refused", () => {
  assert.throws(() => parseHead("vrrp/good/x", "x.conf", "vrrp_instance A {\n}\n"), /first line/);
  assert.throws(() => parseHead("vrrp/good/x", "x.conf", "# About.\n# 2.2.7: 5\n"), /EXIT - REASON/);
  const file = parseHead("vrrp/bad/x", "x.conf", "# About.\n# 2.2.7: 0 - not yet\n# environment: A=b=c\n");
  assert.deepEqual([file.expected, file.debian, file.environment], [5, { exit: 0, reason: "not yet" }, { A: "b=c" }]);
});

describe("keepalived ends as the head of the file says", { skip }, () => {
  let verdicts: readonly Verdict[] = [];
  before(
    async () => {
      using reference = new ReferenceConfig();
      verdicts = await reference.verdicts(corpus);
    },
    { timeout: 120_000 },
  );
  after(() => {
    verdicts = [];
  });
  for (const [i, file] of corpus.entries()) {
    test(file.name, () => {
      assert.equal(verdicts[i]?.exit, file.debian?.exit ?? file.expected, verdicts[i]?.messages);
    });
  }
});

describe("holdfast ends as the head of the file says", () => {
  for (const file of corpus) {
    test(file.name, () => {
      const result = loadCorpusFile(file);
      const findings = findingLines(result.diagnostics).join("\n");
      const want = file.holdfast?.exit ?? file.expected;
      assert.equal(testExitCode(result), want, `${file.about}\n${findings}`);
      // What the test passes must not be refused at a reload.
      if (want === 0) assert.equal(hasErrors(result), false, findings);
    });
  }
});
