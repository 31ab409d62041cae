import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./config-fake-host.js";

/** keepalived.conf(5), smtp_alert: the most specific word counts; of none, real servers are mailed about and quorums are not. */
const rows: readonly (readonly [global: string, service: string, server: string, wanted: string])[] = [
  ["", "", "", "quorum off, server on"],
  ["smtp_alert", "", "", "quorum on, server on"],
  ["smtp_alert off", "", "", "quorum off, server off"],
  ["smtp_alert_checker", "", "", "quorum on, server on"],
  ["smtp_alert_checker off", "", "", "quorum off, server off"],
  ["smtp_alert\nsmtp_alert_checker off", "", "", "quorum off, server off"],
  ["smtp_alert off\nsmtp_alert_checker", "", "", "quorum on, server on"],
  ["smtp_alert_vrrp off", "", "", "quorum off, server on"],
  ["", "smtp_alert", "", "quorum on, server on"],
  ["smtp_alert_checker", "smtp_alert off", "", "quorum off, server on"],
  ["smtp_alert_checker off", "smtp_alert on", "", "quorum on, server off"],
  ["", "", "smtp_alert off", "quorum off, server off"],
  ["smtp_alert_checker off", "", "smtp_alert", "quorum off, server on"],
];

for (const [global, service, server, wanted] of rows) {
  test(`smtp_alert: "${global}", "${service}", "${server}": ${wanted}`, () => {
    const { config } = load(
      `global_defs {\n${global}\n}\nvirtual_server 192.0.2.1 80 {\nprotocol TCP\n${service}\nreal_server 10.0.0.1 80 {\n${server}\nTCP_CHECK {\n}\n}\n}\n`,
    );
    const found = config?.virtualServers[0];
    const word = (on: boolean | undefined): string => (on === true ? "on" : "off");
    assert.equal(`quorum ${word(found?.smtpAlert)}, server ${word(found?.realServers[0]?.smtpAlert)}`, wanted);
  });
}
