import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";

const tool = new URL("../../main/tools/fmt.js", import.meta.url).href;
const root = process.geteuid?.() === 0;

/** Runs `holdfast fmt` in a folder that holds `files`. The output is latin1: one character is one byte. */
function fmt(
  files: Readonly<Record<string, string>>,
  args: readonly string[],
  options: {
    input?: string;
    prepare?: (folder: string) => void;
    inspect?: (folder: string) => void;
    /** The folder cannot be written, not even by root. */
    readOnly?: boolean;
  } = {},
) {
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-fmt-"));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text, "latin1");
    options.prepare?.(folder);
    const code = `import { run } from ${JSON.stringify(tool)}; process.exitCode = await run(process.argv.slice(1));`;
    const node = [process.execPath, "--input-type=module", "-e", code, "--", ...args];
    const mounted = 'mount --bind . . && mount -o remount,ro,bind . && cd "$PWD" && exec "$@"';
    const [command = "", ...words] = options.readOnly
      ? ["unshare", "--mount", "sh", "-c", mounted, "sh", ...node]
      : node;
    const child = spawnSync(command, words, {
      cwd: folder,
      input: options.input ?? "",
      encoding: "latin1",
    });
    options.inspect?.(folder);
    const texts = Object.keys(files).map((name) => readFileSync(path.join(folder, name), "latin1"));
    return { code: child.status, out: child.stdout, err: child.stderr, texts };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const ugly = "a  {\nb\xE9\n}\n";
const pretty = "a {\n    b\xE9\n}\n";

test("files are replaced, mode, owner and a symbolic link stay, and nothing else is left", () => {
  const prepare = (folder: string): void => {
    chmodSync(path.join(folder, "x"), 0o640);
    symlinkSync("x", path.join(folder, "link"));
  };
  const inspect = (folder: string): void => {
    assert.ok(lstatSync(path.join(folder, "link")).isSymbolicLink());
    assert.equal(statSync(path.join(folder, "x")).mode & 0o7777, 0o640);
    assert.deepEqual(readdirSync(folder).sort(), ["link", "x", "y"]);
  };
  const got = fmt({ x: ugly, y: pretty }, ["link", "y"], { prepare, inspect });
  assert.deepEqual(got, { code: 0, out: "", err: "", texts: [pretty, pretty] });
});

test("a file that is formatted already is not touched", () => {
  let before = 0;
  const inode = (folder: string): number => statSync(path.join(folder, "x")).ino;
  const prepare = (folder: string): void => void (before = inode(folder));
  const inspect = (folder: string): void => assert.equal(inode(folder), before);
  assert.equal(fmt({ x: pretty }, ["x"], { prepare, inspect }).code, 0);
});

test("standard input is printed", () => {
  for (const args of [[], ["-"]]) {
    assert.deepEqual(fmt({}, args, { input: ugly }), { code: 0, out: pretty, err: "", texts: [] });
  }
  assert.equal(fmt({}, ["--indent", "tab"], { input: ugly }).out, "a {\n\tb\xE9\n}\n");
  assert.equal(fmt({}, ["--indent=2"], { input: ugly }).out, "a {\n  b\xE9\n}\n");
});

test("--check lists what would change", () => {
  const got = fmt({ x: ugly, y: pretty }, ["--check", "x", "y"]);
  assert.deepEqual(got, { code: 1, out: "x\n", err: "", texts: [ugly, pretty] });
  assert.equal(fmt({ y: pretty }, ["--check", "y"]).code, 0);
});

test("--check fails for a line that cannot be formatted, and says where it is", () => {
  const got = fmt({ x: 'a\nb "c\n' }, ["--check", "x"]);
  assert.equal(got.code, 1);
  assert.match(got.err, /^x:2: a double quote is not closed/);
  assert.equal(fmt({ x: 'a\nb "c\n' }, ["x"]).code, 0);
});

test("--diff shows the change and makes none", () => {
  const want = "--- x\n+++ x (formatted)\n@@ -1,3 +1,3 @@\n-a  {\n-b\xE9\n+a {\n+    b\xE9\n }\n";
  assert.deepEqual(fmt({ x: ugly }, ["--diff", "x"]), { code: 0, out: want, err: "", texts: [ugly] });
  assert.equal(fmt({ x: ugly }, ["--check", "--diff", "x"]).code, 1);
});

for (const [name, args, says] of [
  ["an unknown option", ["--colour"], /^holdfast fmt: Unknown option '--colour'.*--help\)\n$/],
  ["a bad indentation", ["--indent", "17"], /^holdfast fmt: --indent '17': write a number .* or tab\n$/],
  ["a missing file", ["none"], /^holdfast fmt: cannot read none: ENOENT; check its name and permissions\n$/],
  ["a directory", ["d"], /^holdfast fmt: d is not a regular file: .*\n$/],
] as const) {
  test(`${name} is an error of one line`, () => {
    const got = fmt({}, args, { prepare: (folder) => mkdirSync(path.join(folder, "d")) });
    assert.equal(got.code, 2);
    assert.match(got.err, says);
  });
}

test("one bad file does not keep the others from being formatted", () => {
  const got = fmt({ x: ugly }, ["none", "x"]);
  assert.equal(got.code, 2);
  assert.deepEqual(got.texts, [pretty]);
});

/** Root may write everything, but not what is mounted read-only. */
const mounts = root && spawnSync("unshare", ["--mount", "true"]).status === 0;
const skip = root && !mounts ? "needs a user other than root, or mount namespaces" : false;

test("a file that may not be written is left alone", { skip }, () => {
  const prepare = (folder: string): void => chmodSync(path.join(folder, "x"), 0o444);
  const got = fmt({ x: ugly }, ["x"], { prepare, readOnly: root });
  assert.equal(got.code, 2);
  assert.match(got.err, root ? /^holdfast fmt: cannot replace x: EROFS;/ : /^holdfast fmt: cannot replace x: EACCES;/);
  assert.match(got.err, /the file is unchanged/);
  assert.deepEqual(got.texts, [ugly]);
});

test("--help", () => {
  const got = fmt({}, ["--help"]);
  assert.equal(got.code, 0);
  assert.match(got.out, /^Usage: holdfast fmt/);
});
