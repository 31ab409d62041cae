import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { projectRoot } from "../harness/project.js";

/** What documents name must exist: links, files, npm scripts, tests. */

const folders = readdirSync(projectRoot, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !["node_modules", "dist", "build", ".git"].includes(entry.name))
  .map(({ name }) => name);

/** All files of the project, by their path from its root. */
const files = [
  ...readdirSync(projectRoot),
  ...folders.flatMap((folder) =>
    readdirSync(path.join(projectRoot, folder), { recursive: true, encoding: "utf8" }).map(
      (name) => `${folder}/${name}`,
    ),
  ),
];
const baseNames = new Set(files.map((file) => path.basename(file)));

const documents = files.filter((file) => file.endsWith(".md"));
const read = (document: string): string => readFileSync(path.join(projectRoot, document), "utf8");

const codeSpans = (text: string): readonly string[] =>
  [...text.replace(/^```[\s\S]*?^```/gm, "").matchAll(/`([^`\n]+)`/g)].flatMap(([, code = ""]) => code.split(/\s+/));

test("there are the documents that a reader looks for", () => {
  const wanted = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/architecture.md", "docs/differences.md"];
  for (const name of [...wanted, "docs/errors.md"]) assert.ok(documents.includes(name), name);
});

for (const document of documents) {
  test(`${document}: links lead somewhere`, () => {
    const broken = linksOf(read(document)).filter((link) => !leadsSomewhere(document, link));
    assert.deepEqual(broken, []);
  });

  test(`${document}: files and folders that it names exist`, () => {
    assert.deepEqual(
      pathsIn(read(document)).filter((name) => !exists(name)),
      [],
    );
  });

  test(`${document}: file names that stand alone belong to a file`, () => {
    const named = codeSpans(read(document)).filter((word) =>
      /^[a-z][a-z0-9_-]*(?:\.test)?\.(?:ts|mjs|cc|h)$/.test(word),
    );
    assert.deepEqual(
      named.filter((name) => !baseNames.has(name)),
      [],
    );
  });

  test(`${document}: npm scripts that it names exist`, () => {
    const { scripts } = JSON.parse(read("package.json")) as { readonly scripts: Readonly<Record<string, string>> };
    const named = [...read(document).matchAll(/\bnpm run ([a-z:]+)/g)].map(([, name = ""]) => name);
    assert.deepEqual(
      named.filter((name) => !Object.hasOwn(scripts, name)),
      [],
    );
  });
}

test("docs/differences.md: every row ends with tests that exist, or says that there is none", () => {
  const wrong = read("docs/differences.md")
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| ---") && !/\| test \|$/.test(line))
    .filter((row) => !endsWithTests(row));
  assert.deepEqual(wrong, []);
});

/** Targets of `[text](target)` that are not on another host. */
function linksOf(text: string): readonly string[] {
  const targets = [...text.matchAll(/\[[^\]\n]*\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}

function leadsSomewhere(document: string, link: string): boolean {
  const [file = "", anchor] = link.split("#", 2);
  const target = file === "" ? document : path.join(path.dirname(document), file);
  if (!existsSync(path.join(projectRoot, target))) return false;
  return anchor === undefined || headings(read(target)).includes(anchor);
}

/** As GitHub makes them: lower case, without punctuation, blanks become hyphens. */
const headings = (text: string): readonly string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );

/** Words that begin with one of the project's folders: `main/units.ts`, `test/kernel/`, `test/kernel/inner/*.ts`, `dist/...`. */
function pathsIn(text: string): readonly string[] {
  const first = [...folders, "dist"].map((name) => name.replaceAll(".", "\\.")).join("|");
  const words = text.matchAll(new RegExp(`(?<![\\w./-])(?:${first})/[\\w./*<>-]*`, "g"));
  return [...words].map(([word]) => word.replace(/[.-]+$/, "")).filter((word) => !/[<>]/.test(word));
}

/** A compiled file exists when its source does: documents are right before the first build, too. */
function exists(name: string): boolean {
  const source = name.replace(/^dist\/(.+)\.js$/, "$1.ts").replace(/\/$/, "");
  if (!source.includes("*")) return files.includes(source) || folders.includes(source);
  const pattern = new RegExp(`^${source.replaceAll(".", "\\.").replaceAll("*", "[^/]*")}$`);
  return files.some((file) => pattern.test(file));
}

/** The last cell: `-`, or names below test/, without .test.ts unless it is another file. */
function endsWithTests(row: string): boolean {
  const cell = row.split(/(?<!\\)\|/).at(-2) ?? "";
  const named = codeSpans(cell);
  return named.length > 0 && named.every((name) => name === "-" || isTest(name));
}

const isTest = (name: string): boolean => files.includes(`test/${name}.test.ts`) || files.includes(`test/${name}`);
