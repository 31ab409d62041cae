import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { compiled } from "../harness/project.js";

const folder = mkdtempSync(join(tmpdir(), "holdfast-show-"));
after(() => rmSync(folder, { recursive: true }));

const main = join(folder, "main.conf");
writeFileSync(join(folder, "addresses.conf"), "        $" + "{NET}.1\n");
writeFileSync(
  main,
  `$NET=10.0.0
vrrp_instance A {
    interface lo
    virtual_router_id 5
    authentication {
        auth_type PASS
        auth_pass hush1234
    }
    virtual_ipaddress {
        include addresses.conf
    }
}
SSL {
    password swordfish
}
`,
);

function show(...args: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [compiled("main/tools/main.ts"), "config", ...args], {
    encoding: "utf8",
    timeout: 20_000,
  });
  return { status, stdout, stderr };
}

test("conf: includes, definitions and defaults are filled in, and reading it shows the same again", () => {
  const first = show("show", main, "--secrets");
  assert.match(first.stdout, /^ {4}advert_int 1$/m);
  assert.match(first.stdout, /^ {8}10\.0\.0\.1\/32/m);
  const again = join(folder, "again.conf");
  writeFileSync(again, first.stdout);
  assert.equal(show("show", again, "--secrets").stdout, first.stdout);
});

test("json: the typed model", () => {
  const { stdout } = show("show", main, "--format", "json");
  const config = JSON.parse(stdout) as { vrrpInstances: readonly { name: string; advertInterval: number }[] };
  assert.deepEqual(
    config.vrrpInstances.map(({ name, advertInterval }) => [name, advertInterval]),
    [["A", 1000]],
  );
});

test("passwords are shown only when they are asked for", () => {
  for (const format of ["conf", "json"]) {
    const hidden = show("show", main, "--format", format);
    assert.doesNotMatch(hidden.stdout + hidden.stderr, /hush|swordfish/, format);
    assert.match(hidden.stdout, /<hidden>[\s\S]*<hidden>/, format);
    assert.match(show("show", main, "--format", format, "--secrets").stdout, /hush1234[\s\S]*swordfish/, format);
  }
  assert.match(show("show", main).stdout, /^# Passwords are hidden/, "nobody loads <hidden> as a password");
  assert.doesNotMatch(show("show", main, "--secrets").stdout, /hidden/);
});

test("exit codes: 1 for a file with errors, 2 for a wrong command line", () => {
  const bad = join(folder, "bad.conf");
  writeFileSync(bad, "global_defs {\n    router_id A\n    nonsense\n}\n");
  const shown = show("show", bad);
  assert.equal(shown.status, 1);
  assert.match(shown.stderr, /Unknown keyword 'nonsense'/);
  assert.match(shown.stdout, /router_id A/, "what could be understood is shown");
  for (const words of [[], ["show"], ["list", main], ["show", main, "--format", "xml"], ["show", main, "--nonsense"]]) {
    assert.equal(show(...words).status, 2, words.join(" "));
  }
  assert.equal(show("show", join(folder, "none.conf")).status, 1);
});
