// head_verify.cc - the C++ verifier of FlatBuffers looks at heads: reads "size, octets" from standard input, Requests and
// Responses mixed, and prints how many of each it took. Built and fed by the tests of capi/codec.
#include "turbohttp_generated.h"

#include "turbohttp_head.h" // compiles beside it

#include <cstdio>
#include <cstdlib>
#include <vector>

int main() {
    unsigned char size[4];
    int           requests = 0, responses = 0;
    while (std::fread(size, 1, 4, stdin) == 4) {
        std::vector<std::uint64_t> memory((turbo_head_get32(size) + 7) / 8); // aligned as a host would have it
        auto*                      data = reinterpret_cast<std::uint8_t*>(memory.data());
        if (std::fread(data, 1, turbo_head_get32(size), stdin) != turbo_head_get32(size)) return 1;
        flatbuffers::Verifier verifier(data, turbo_head_get32(size));
        if (flatbuffers::BufferHasIdentifier(data, "TRQ1") && turbohttp::fbs::VerifyRequestBuffer(verifier)) {
            requests++;
        } else if (verifier.VerifyBuffer<turbohttp::fbs::Response>("TRS1")) {
            responses++;
        } else {
            std::fprintf(stderr, "head_verify: head %d of %u bytes was refused\n", requests + responses,
                         turbo_head_get32(size));
            return 1;
        }
    }
    std::printf("%d requests, %d responses\n", requests, responses);
    return 0;
}
