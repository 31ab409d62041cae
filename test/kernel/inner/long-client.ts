// Inside the guest: one connection that is used until we are killed. node long-client.js ADDRESS PORT
// Prints a line per answer: `ok LOCAL_PORT`, or `lost REASON`. It never connects a second time.
import { connect } from "node:net";

const [address = "", port = "80"] = process.argv.slice(2);
const PERIOD_MS = 250;

const socket = connect({ host: address, port: Number(port) });
const ask = (): void => {
  socket.write(`GET / HTTP/1.1\r\nHost: ${address}\r\n\r\n`);
};
socket.setEncoding("latin1").setNoDelay(true);
socket.on("connect", ask);
socket.on("data", () => {
  console.log(`ok ${socket.localPort ?? 0}`);
  setTimeout(ask, PERIOD_MS);
});
socket.on("error", (error) => console.log(`lost ${error.message}`));
socket.on("end", () => console.log("lost end of stream"));
