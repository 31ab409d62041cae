#include <napi.h>

#include "addon_data.h"
#include "deadline_timer.h"
#include "disk_answers.h"
#include "frame_reader.h"
#include "ipv4_sender.h"
#include "ipv6_adverts.h"
#include "link_state.h"
#include "make_fifo.h"
#include "netlink_socket.h"
#include "packet_socket.h"
#include "probe_engine.h"
#include "process_functions.h"
#include "datagram_age.h"
#include "raw_filter.h"
#include "scheduling_functions.h"
#include "script_process.h"
#include "script_starts.h"
#include "udp_socket.h"
#include "unix_datagram.h"
#include "write_files.h"

AddonData::AddonData() = default;
AddonData::~AddonData() = default;

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  auto* data = new AddonData();
  napi_get_uv_event_loop(env, &data->loop);
  cpu_set_t cpus;
  if (::sched_getaffinity(0, sizeof cpus, &cpus) == 0) data->cpus = cpus;  // refused where there are more than it has room for
  env.SetInstanceData(data);
  exports.Set("NetlinkSocket", NetlinkSocket::Define(env));
  exports.Set("PacketSocket", PacketSocket::Define(env));
  exports.Set("FrameReader", FrameReader::Define(env));
  exports.Set("Ipv4AdvertSender", Ipv4AdvertSender::Define(env));
  exports.Set("Ipv6AdvertReader", Ipv6AdvertReader::Define(env));
  exports.Set("Ipv6AdvertSender", Ipv6AdvertSender::Define(env));
  exports.Set("DeadlineTimer", DeadlineTimer::Define(env));
  exports.Set("ProbeEngine", ProbeEngine::Define(env));
  exports.Set("tlsErrorText", Napi::Function::New<TlsErrorTextOf>(env, "tlsErrorText"));
  exports.Set("compilePattern", Napi::Function::New<CompilePattern>(env, "compilePattern"));
  exports.Set("ScriptProcess", ScriptProcess::Define(env));
  exports.Set("UdpReader", UdpReader::Define(env));
  exports.Set("UdpSender", UdpSender::Define(env));
  exports.Set("UnixDatagram", UnixDatagram::Define(env));
  DefineDiskAnswers(env, exports);
  DefineLinkState(env, exports);
  DefineMakeFifo(env, exports);
  DefineProcessFunctions(env, exports);
  DefineSchedulingFunctions(env, exports);
  DefineDatagramAge(env, exports);
  DefineRawFilter(env, exports);
  DefineWriteFiles(env, exports);
  return exports;
}

NODE_API_MODULE(holdfast, Init)
