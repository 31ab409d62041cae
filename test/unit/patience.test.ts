import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../../main/config/load.js";
import { Patience } from "../../main/config/patience.js";
import { fakeHost, MAIN_FILE } from "./config-fake-host.js";

/** Which paths are asked about, and for how long, where what begins with one of `gone` does not answer. */
function patience(...gone: readonly string[]) {
  const asked: [string, number][] = [];
  const { answers } = new Patience((path, milliseconds) => {
    asked.push([path, milliseconds]);
    return !gone.some((each) => path.startsWith(each));
  });
  return { answers, asked };
}

test("each path is asked about once, and in a folder that does not answer nothing more", () => {
  const { answers, asked } = patience("/gone");
  const paths = ["/bin/a", "/bin/a", "/gone/a", "/gone/b", "/gone", "/bin/b", "/gone/a"];
  assert.deepEqual(paths.map(answers), [true, true, false, false, false, true, false]);
  assert.deepEqual(asked, [
    ["/bin/a", 2000],
    ["/gone/a", 2000],
    ["/bin/b", 1000],
  ]);
});

test("after three nothing is asked any more: four seconds are all that it takes", () => {
  const { answers, asked } = patience("/gone");
  for (let n = 0; n < 100; n++) assert.equal(answers(`/gone/${n}/a`), false);
  assert.equal(answers("/bin/a"), false);
  assert.deepEqual(
    asked.map(([, milliseconds]) => milliseconds),
    [2000, 1000, 1000],
  );
});

const shown = (globals: string, answers: (path: string) => boolean) => {
  const text = `global_defs {
  ${globals}
}
vrrp_script gone {
  script "/gone/check -x"
}
vrrp_track_file f {
  file /gone/f
}
vrrp_track_file g {
  file /gone/g
}
`;
  const { config, diagnostics } = loadConfig(MAIN_FILE, fakeHost({ [MAIN_FILE]: text }, { answers }));
  return {
    scripts: config?.vrrpScripts.map(({ command }) => command.argv.join(" ")),
    files: config?.trackers.files.map(({ name }) => name),
    findings: diagnostics.map(({ severity, message }) => `${severity}: ${message}`),
  };
};

test("a script and tracked files whose disk does not answer count as there, with a warning", () => {
  const { scripts, files, findings } = shown("script_user root", (path) => !path.startsWith("/gone"));
  assert.deepEqual(scripts, ["/gone/check -x"]);
  assert.deepEqual(files, ["f", "g"]);
  assert.deepEqual(
    findings.filter((line) => line.includes("answer")),
    [
      "warning: track script gone: /gone/check does not answer - taking it as there",
      "warning: track file f: directory /gone does not answer - taking it as there",
    ],
  );
});

test("a script of root that nobody can look at is not run where enable_script_security asks who may change it", () => {
  const { scripts, findings } = shown(
    "script_user root\n  enable_script_security",
    (path) => !path.startsWith("/gone"),
  );
  assert.deepEqual(scripts, []);
  assert.match(
    findings.join("\n"),
    /^error: Disabling track script gone: \/gone\/check does not answer, and enable_script_security/m,
  );
});
