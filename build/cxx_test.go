package build

// The C++ header compiles alone, without a warning, wherever its promises say: gcc and clang, C++17 and C++20, with and
// without exceptions and run-time types.

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A user of each template, so that it is compiled and not only parsed.
const cxxUse = `
#include <turbohttp/turbohttp.hpp>
#include <turbohttp/turbohttp.hpp>
int main() {
    auto library = turbo::Library::start();
    auto queue = turbo::Queue::create();
    if (!library || !queue) return 1;
    turbo_client_config config = turbo_client_config_default();
    config.queue = queue->handle();
    std::string why;
    auto client = turbo::Client::create(config, &why);
    if (!client) return 1;
    turbo::RequestHead head("GET", "http://127.0.0.1/");
    head.field("A", "b").expect_continue();
    auto request = client->submit(head);
    if (!request) return 1;
    turbo::Request owned = *std::move(request);
    turbo::Trailers trailers;
    turbo::Status sent = owned.send([](turbo_span) { return std::size_t(0); }, 1, trailers.field("a", "b").encode() ? &trailers : nullptr);
    turbo::Status got = owned.receive([](std::string_view) { return true; });
    std::string_view value;
    if (auto response = owned.head()) {
        for (auto [name, text] : response->fields()) value = name.size() > text.size() ? name : text;
        if (!response->fields().find("a", value)) return 1;
    }
    if (auto lines = owned.trailers(); lines && lines->size() != 0) return 1;
    return sent == got && owned.error().empty() ? 0 : 1;
}
`

func TestTheCxxHeaderCompilesWithoutAWarning(t *testing.T) {
	for _, compiler := range []string{"g++", "clang++"} {
		for _, more := range []string{"-std=c++17", "-std=c++20", "-std=c++17 -fno-exceptions -fno-rtti"} {
			arguments := append(strings.Fields(more), "-x", "c++", "-fsyntax-only", "-Wall", "-Wextra", "-pedantic", "-Werror",
				"-I../include", "-I../bindings/cpp/include", "-")
			cmd := exec.Command(compiler, arguments...)
			cmd.Stdin = strings.NewReader(cxxUse)
			out, err := cmd.CombinedOutput()
			assert.NoError(t, err, "%s %s\n%s", compiler, more, out)
		}
	}
}
