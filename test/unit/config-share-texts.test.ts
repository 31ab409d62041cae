import assert from "node:assert/strict";
import { test } from "node:test";
import { shareTexts } from "../../main/config/share-texts.js";
import { config, httpCheck, realServer, tcpCheck, virtualServer } from "./health-fixtures.js";

test("sharing texts changes no value: also where one field's text is another field's", () => {
  const checks = [
    tcpCheck({}, 80, "10.0.0.1"),
    tcpCheck({}, 81, "10.0.0.9"),
    httpCheck(),
    httpCheck({ type: "SSL_GET" }),
  ];
  const realServers = ["10.0.0.1", "10.0.0.2"].map((address) => realServer({ address, virtualhost: "/", checks }));
  const original = config([virtualServer({ realServers })]);
  const crossed = structuredClone(original);
  shareTexts(crossed);
  assert.deepEqual(crossed, original);
});
