#include "md5.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace probe {
namespace {

// floor(2^32 * abs(sin(i + 1))), RFC 1321 3.4.
constexpr std::array<uint32_t, 64> kSines{
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

// Rotations of the four steps that repeat within each round.
constexpr int kRotations[4][4]{{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

// Which word of the block step I of a round takes.
constexpr size_t WordOf(size_t round, size_t i) {
  constexpr size_t kFactor[4]{1, 5, 3, 7};
  constexpr size_t kOffset[4]{0, 1, 5, 0};
  return (kFactor[round] * i + kOffset[round]) % 16;
}

template <size_t Round>
uint32_t Mix(uint32_t x, uint32_t y, uint32_t z) {
  if constexpr (Round == 0) return (x & y) | (~x & z);
  if constexpr (Round == 1) return (x & z) | (y & ~z);
  if constexpr (Round == 2) return x ^ y ^ z;
  if constexpr (Round == 3) return y ^ (x | ~z);
}

uint32_t LittleEndian(const std::byte* bytes) {
  uint32_t word;
  std::memcpy(&word, bytes, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap32(word);
  return word;
}

template <size_t Round, size_t I, typename Words>
void Step(Words& s, const std::array<uint32_t, 16>& block) {
  // The four words change places after each step: in step I the word of A is number -I (modulo 4).
  uint32_t& a = s[(16 - I) % 4];
  const uint32_t b = s[(17 - I) % 4], c = s[(18 - I) % 4], d = s[(19 - I) % 4];
  const uint32_t sum = a + Mix<Round>(b, c, d) + block[WordOf(Round, I)] + kSines[Round * 16 + I];
  a = b + std::rotl(sum, kRotations[Round][I % 4]);
}

template <size_t Round, typename Words>
void DoRound(Words& s, const std::array<uint32_t, 16>& block) {
  [&]<size_t... I>(std::index_sequence<I...>) { (Step<Round, I>(s, block), ...); }(std::make_index_sequence<16>());
}

}  // namespace

void Md5Hash::Digest(const std::byte* block) {
  std::array<uint32_t, 16> words;
  for (size_t i = 0; i < words.size(); i++) words[i] = LittleEndian(block + 4 * i);
  Words s = state_;
  DoRound<0>(s, words);
  DoRound<1>(s, words);
  DoRound<2>(s, words);
  DoRound<3>(s, words);
  for (size_t i = 0; i < s.size(); i++) state_[i] += s[i];
}

void Md5Hash::Update(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  const size_t waiting = length_ % kBlock;
  length_ += bytes.size();
  if (waiting > 0) {
    const size_t taken = std::min(kBlock - waiting, bytes.size());
    std::memcpy(pending_.data() + waiting, bytes.data(), taken);
    bytes = bytes.subspan(taken);
    if (waiting + taken < kBlock) return;
    Digest(pending_.data());
  }
  for (; bytes.size() >= kBlock; bytes = bytes.subspan(kBlock)) Digest(bytes.data());
  if (!bytes.empty()) std::memcpy(pending_.data(), bytes.data(), bytes.size());
}

Md5 Md5Hash::Final() {
  // A one bit, zeros up to 56 modulo 64, and the length in bits, low octet first.
  std::array<std::byte, kBlock + 8> tail{std::byte{0x80}};
  const size_t waiting = length_ % kBlock;
  const size_t padding = (waiting < 56 ? 56 : 56 + kBlock) - waiting;
  const uint64_t bits = length_ * 8;
  for (size_t i = 0; i < 8; i++) tail[padding + i] = static_cast<std::byte>(bits >> (8 * i));
  Update(std::span(tail).first(padding + 8));

  Md5 digest;
  for (size_t i = 0; i < digest.size(); i++) digest[i] = static_cast<uint8_t>(state_[i / 4] >> (8 * (i % 4)));
  state_ = kStart;
  length_ = 0;
  return digest;
}

}  // namespace probe
