import assert from "node:assert/strict";
import type { Config } from "../../main/config/model.js";
import type { LvsSections } from "../../main/config/model-lvs.js";
import { showBfdInstances } from "../../main/config/show/bfd.js";
import { ConfWriter } from "../../main/config/show/conf-writer.js";
import { showLvs } from "../../main/config/show/lvs.js";
import { load } from "./config-fake-host.js";

/** The LVS side as `holdfast config show` writes it. */
export function shownLvs(config: Config, secrets: boolean): string {
  const out = new ConfWriter();
  showBfdInstances(config.bfdInstances, out);
  showLvs(config, out, { secrets });
  return out.toString();
}

/** What is read from it again; files that checkers name are declared as the other side would. */
export function reloaded(config: Config): Config {
  const files = new Set(
    config.virtualServers.flatMap(({ realServers }) =>
      realServers.flatMap(({ checks }) => checks.flatMap((c) => (c.type === "FILE_CHECK" ? c.trackFile : []))),
    ),
  );
  const declared = [...files].map((name) => `track_file ${name} {\nfile /usr/bin/${name}\n}\n`).join("");
  const again = load(`${declared}${shownLvs(config, true)}`).config;
  assert.ok(again);
  return again;
}

export const sectionsOf = (config: Config): LvsSections => {
  const { virtualServers, virtualServerGroups, bfdInstances, checkerTls } = config;
  return { virtualServers, virtualServerGroups, bfdInstances, checkerTls };
};

/** Positions are of one file, and nobody's meaning. */
export const withoutPositions = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (key, inner: unknown) => (key === "at" ? undefined : inner)));
