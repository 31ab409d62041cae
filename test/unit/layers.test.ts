import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { projectRoot } from "../harness/project.js";

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

/** Which folder may use which, and why not the others. A folder not named as `folder` here is not restricted. */
const rules: readonly {
  readonly folder: string;
  /** Beside its own files, `node_modules` and Node itself. */
  readonly may: readonly string[];
  /** Types cost nothing at run time and cross more borders. */
  readonly typesOf?: readonly string[];
  readonly because: string;
}[] = [
  { folder: "native-bindings/", may: [], because: "mechanism knows no policy" },
  {
    folder: "workers/",
    may: ["native-bindings/"],
    typesOf: ["main/config/model.ts", "main/units.ts", "main/clock.ts", "main/address.ts"],
    because: "a thread of the pool must not load the main thread's code",
  },
  {
    folder: "main/config/",
    may: [
      "main/*.ts",
      "native-bindings/disk-answers.ts",
      "native-bindings/pattern-check.ts",
      "native-bindings/scheduling.ts",
    ],
    because: "the config worker and the language server load it alone",
  },
  {
    folder: "main/lsp/",
    may: ["main/*.ts", "main/config/"],
    because: "an editor runs it without a daemon",
  },
  {
    folder: "main/tools/",
    may: ["main/*.ts", "main/config/", "main/lsp/", "main/control/options-table.ts", "main/control/version.ts"],
    because: "tools touch no running daemon",
  },
  { folder: "main/netlink/", may: ["main/*.ts", "native-bindings/"], because: "codec and socket, no subject" },
  {
    folder: "main/vrrp/",
    may: ["main/*.ts", "native-bindings/"],
    typesOf: ["main/config/", "main/observe/log.ts"],
    because: "VRRP is wired to the rest by main/control",
  },
  {
    folder: "main/bfd/",
    may: ["main/*.ts", "native-bindings/", "main/vrrp/bpf.ts"],
    typesOf: ["main/config/", "main/observe/log.ts"],
    because: "BFD does not know who follows its sessions",
  },
  {
    folder: "main/ipvs/",
    may: ["main/*.ts", "main/netlink/", "native-bindings/"],
    typesOf: ["main/config/", "main/observe/log.ts"],
    because: "the table does not know who wants what",
  },
  {
    folder: "main/health/",
    may: [
      "main/*.ts",
      "workers/edges.ts",
      "workers/protocol.ts",
      "workers/identity-hash.ts",
      "workers/latency-words.ts",
    ],
    typesOf: ["main/config/", "main/observe/log.ts", "workers/"],
    because: "health is wired to the rest by main/control",
  },
  {
    folder: "main/network/",
    may: ["main/*.ts", "main/netlink/", "native-bindings/"],
    typesOf: ["main/config/", "main/observe/log.ts", "main/vrrp/ports.ts"],
    because: "it implements ports, it does not decide",
  },
  {
    folder: "main/notify/",
    may: ["main/*.ts", "native-bindings/"],
    typesOf: ["main/config/", "main/observe/log.ts", "main/vrrp/ports.ts"],
    because: "notification hears events, it does not ask for them",
  },
  {
    folder: "main/observe/",
    may: ["main/*.ts", "native-bindings/"],
    typesOf: ["main/config/"],
    because: "it shows plain snapshots",
  },
];

for (const { folder, may, typesOf = [], because } of rules) {
  test(`${folder} imports only what it may: ${because}`, () => {
    const wrong = imports(folder)
      .filter(({ to, typeOnly }) => {
        const allowed = typeOnly ? [...may, ...typesOf] : may;
        return !to.startsWith(folder) && !allowed.some((pattern) => matches(to, pattern));
      })
      .map(({ from, to }) => `${from} -> ${to}`);
    assert.deepEqual(wrong, []);
  });
}

test("nothing that ships imports tests or benches", () => {
  const shipped = ["main/", "workers/", "native-bindings/"].flatMap(imports);
  assert.deepEqual(
    shipped.filter(({ to }) => to.startsWith("test/") || to.startsWith("bench/")),
    [],
  );
});

test("what stands before the first virtual router in a start brings no code of virtual servers with it", () => {
  const reached = new Set(["cli", "start", "read-at-start", "vrrp-side"].map((name) => `main/control/${name}.ts`));
  for (const file of reached) for (const { to, typeOnly } of importsOf(file)) if (!typeOnly) reached.add(to);
  const late = [
    "main/control/lvs-side.ts",
    "main/health/director.ts",
    "main/health/pool.ts",
    "main/ipvs/reconciler.ts",
  ];
  assert.deepEqual(
    late.filter((file) => reached.has(file)),
    [],
  );
  assert.ok(reached.has("main/vrrp/router.ts"));
});

/** `main/*.ts`: files of that folder itself; else a file, or a folder with all below. */
function matches(file: string, pattern: string): boolean {
  if (!pattern.endsWith("*.ts")) return file === pattern || (pattern.endsWith("/") && file.startsWith(pattern));
  return path.dirname(file) === path.dirname(pattern);
}

function imports(folder: string): readonly Import[] {
  const files = readdirSync(path.join(projectRoot, folder), { recursive: true, encoding: "utf8" });
  return files.filter((file) => file.endsWith(".ts")).flatMap((file) => importsOf(path.join(folder, file)));
}

function importsOf(from: string): Import[] {
  const text = readFileSync(path.join(projectRoot, from), "utf8");
  const found: Import[] = [];
  for (const [, keyword = "", names = "", target = ""] of text.matchAll(
    /^(import|export)\s([^;]*?)\s?from\s"(\.[^"]+)";/gms,
  )) {
    const all = names.replace(/^\{|\}$/g, "").split(",");
    const typeOnly =
      names.startsWith("type ") || all.every((name) => name.trim() === "" || name.trim().startsWith("type "));
    found.push({ from, to: resolve(from, target), typeOnly: keyword === "import" && typeOnly });
  }
  return found;
}

const resolve = (from: string, target: string): string => path.join(path.dirname(from), target).replace(/\.js$/, ".ts");
