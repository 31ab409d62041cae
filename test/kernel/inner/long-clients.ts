// Inside the guest: connections that are used until we are killed. node long-clients.js NAME,ADDRESS,LOCAL_ADDRESS...
// Prints a line per answer: `ok NAME LOCAL_PORT WHO`, or `lost NAME REASON`. None ever connects a second time.
import { connect } from "node:net";

const PERIOD_MS = 250;

for (const word of process.argv.slice(2)) {
  const [name = "", address = "", localAddress = ""] = word.split(",");
  const socket = connect({ host: address, port: 80, localAddress });
  const ask = (): void => void socket.write(`GET / HTTP/1.1\r\nHost: web\r\n\r\n`);
  socket.setEncoding("latin1").setNoDelay(true);
  socket.on("connect", ask);
  socket.on("data", (text: string) => {
    console.log(`ok ${name} ${socket.localPort ?? 0} ${/web\d/.exec(text)?.[0] ?? ""}`);
    setTimeout(ask, PERIOD_MS);
  });
  socket.on("error", (error) => console.log(`lost ${name} ${error.message}`));
  socket.on("end", () => console.log(`lost ${name} end of stream`));
}
