package h1

import (
	"strings"
	"testing"
)

// Shapes on which two readers of one stream might disagree (RFC 9112 §11.2), and what the host is told.
func TestSmugglingShapesAreRefusedWithASentence(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	const chunked = ok + "Transfer-Encoding: chunked\r\n\r\n"
	const told = "200 \"OK\" 11 length -1 [Transfer-Encoding|chunked]\n"
	length := func(v string) string { return ok + "Content-Length:" + v + "\r\n\r\nhello" }
	coding := func(v string) string { return ok + "Transfer-Encoding:" + v + "\r\n\r\n" }
	const badLength = "the server sent a Content-Length that is not a plain decimal number below 2^63"
	for _, x := range []struct{ answer, want string }{
		{ok + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", "the server sent Transfer-Encoding together with Content-Length, which is how responses are smuggled"},
		{ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "the server sent Transfer-Encoding together with Content-Length, which is how responses are smuggled"},
		{"HTTP/1.1 304 Not\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "the server sent Transfer-Encoding together with Content-Length, which is how responses are smuggled"},
		{ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", "the server sent two different Content-Lengths"},
		{length(" 5, 6"), "the server sent two different Content-Lengths"},
		{length(""), badLength}, {length(" "), badLength}, {length(" +5"), badLength}, {length(" -5"), badLength}, {length(" 5 5"), badLength},
		{length(" 0x5"), badLength}, {length(" 5,"), badLength}, {length(" ,5"), badLength}, {length(" 5.0"), badLength}, {length(" 1e1"), badLength},
		{length(" 9223372036854775808"), badLength}, {length(" 18446744073709551621"), badLength}, {length(" 5\x00"), "the server sent a NUL in its head"},
		{length(" 5;x"), badLength}, {length(" \x0b5"), badLength}, {length(" five"), badLength}, {length(" \xb2"), badLength},
		{ok + "A: b\r\n c\r\n\r\n", "the server folded a header line over two lines (obs-fold), which is forbidden because readers disagree on it"},
		{ok + "A: b\r\n\tc\r\n\r\n", "the server folded a header line over two lines (obs-fold), which is forbidden because readers disagree on it"},
		{ok + " A: b\r\n\r\n", "the server folded a header line over two lines (obs-fold), which is forbidden because readers disagree on it"},
		{ok + "A: b\rc\r\n\r\n", "the server sent a CR without LF in its head"},
		{ok + "A: b\r\r\n\r\n", "the server sent a CR without LF in its head"},
		{ok + "A: b\r\n\rX", "the server sent a CR without LF in its head"},
		{"HTTP/1.1 200 O\rK\r\n\r\n", "the server sent a CR without LF in its head"},
		{ok + "A: b\nC: d\r\n\r\n", "the server ended a line with LF instead of CR LF"},
		{ok + "A: b\r\n\n", "the server ended a line with LF instead of CR LF"},
		{"HTTP/1.1 200 OK\nA: b\r\n\r\n", "the server ended a line with LF instead of CR LF"},
		{ok + "A\n: b\r\n\r\n", "the server ended a line with LF instead of CR LF"},
		{ok + "A: \x00b\r\n\r\n", "the server sent a NUL in its head"},
		{ok + "A\x00: b\r\n\r\n", "the server sent a NUL in its head"},
		{"HTTP/1.1 200 \x00\r\n\r\n", "the server sent a NUL in its head"},
		{ok + "A : b\r\n\r\n", "the server sent a space before the colon of a header field"},
		{ok + "A\t: b\r\n\r\n", "the server sent a space before the colon of a header field"},
		{ok + "A B: b\r\n\r\n", "the server sent a space before the colon of a header field"},
		{ok + ": b\r\n\r\n", "the server sent a header line without a name"},
		{ok + "Abc\r\n\r\n", "the server sent a header line without a colon"},
		{ok + "A(: b\r\n\r\n", "the server sent a header field whose name has an octet that names cannot have (0x28 after \"A\")"},
		{ok + "\xe9: b\r\n\r\n", "the server sent a header field whose name has an octet that names cannot have (0xE9 after \"\")"},
		{coding(" gzip"), "the server sent a Transfer-Encoding that is not exactly chunked (\"gzip\"), which nobody asked for"},
		{coding(" gzip, chunked"), "the server sent a Transfer-Encoding that is not exactly chunked (\"gzip, chunked\"), which nobody asked for"},
		{coding(" chunked, chunked"), "the server sent a Transfer-Encoding that is not exactly chunked (\"chunked, chunked\"), which nobody asked for"},
		{coding(" chunked;q=1"), "the server sent a Transfer-Encoding that is not exactly chunked (\"chunked;q=1\"), which nobody asked for"},
		{coding(" identity"), "the server sent a Transfer-Encoding that is not exactly chunked (\"identity\"), which nobody asked for"},
		{coding(" \x0bchunked"), "the server sent a Transfer-Encoding that is not exactly chunked (\"?chunked\"), which nobody asked for"},
		{coding(""), "the server sent a Transfer-Encoding that is not exactly chunked (\"\"), which nobody asked for"},
		{ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "the server sent a Transfer-Encoding that is not exactly chunked (\"chunked\"), which nobody asked for"},
		{"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "the server sent Transfer-Encoding in an HTTP/1.0 response, where it means nothing"},
		{"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", "the server switched protocols (101) although it was not asked to"},
		{"HTTP/2.0 200 OK\r\n\r\n", "the server answered with a version that is not HTTP/1.0 or HTTP/1.1 (\"HTTP/2\")"},
		{"HTTP/1,1 200 OK\r\n\r\n", "the server answered with a version that is not HTTP/1.0 or HTTP/1.1 (\"HTTP/1,\")"},
		{"HTTP/1.x 200 OK\r\n\r\n", "the server answered with a version that is not HTTP/1.0 or HTTP/1.1 (\"HTTP/1.x\")"},
		{"HTTP/1.10 200 OK\r\n\r\n", "the server answered with a version that is not HTTP/1.0 or HTTP/1.1 (\"HTTP/1.10\")"},
		{"SSH-2.0-OpenSSH\r\n\r\n", "the server's answer does not begin with HTTP/ (but with \"S\"): it does not speak HTTP/1.1"},
		{"http/1.1 200 OK\r\n\r\n", "the server's answer does not begin with HTTP/ (but with \"h\"): it does not speak HTTP/1.1"},
		{"\r\nHTTP/1.1 200 OK\r\n\r\n", "the server's answer does not begin with HTTP/ (but with \"?\"): it does not speak HTTP/1.1"},
		{"HTTP/1.1 099 OK\r\n\r\n", badCode}, {"HTTP/1.1 20 OK\r\n\r\n", badCode}, {"HTTP/1.1 2000 OK\r\n\r\n", badCode},
		{"HTTP/1.1  200 OK\r\n\r\n", badCode}, {"HTTP/1.1 -20 OK\r\n\r\n", badCode}, {"HTTP/1.1 200\tOK\r\n\r\n", badCode}, {"HTTP/1.1 20x OK\r\n\r\n", badCode},
		{"HTTP/1.1 200\n\r\n", "the server ended a line with LF instead of CR LF"},
		{chunked + "\r\nabc", "+" + badSize}, {chunked + "x\r\n", "+" + badSize}, {chunked + "-1\r\na\r\n", "+" + badSize}, {chunked + "+1\r\na\r\n", "+" + badSize},
		{chunked + "0x1\r\na\r\n", "+" + badSize}, {chunked + " 1\r\na\r\n", "+" + badSize}, {chunked + "1 1\r\na\r\n", "+" + badSize}, {chunked + "1,1\r\na\r\n", "+" + badSize},
		{chunked + ";a\r\n", "+" + badSize}, {chunked + "1\x00\r\n", "+" + badSize},
		{chunked + "8000000000000000\r\n", "+the server sent a chunk size beyond 2^63"},
		{chunked + "FFFFFFFFFFFFFFFF1\r\n", "+the server sent a chunk size beyond 2^63"},
		{chunked + "00000000000000001\r\n", "+the server sent a chunk size beyond 2^63"},
		{chunked + "1\na\r\n", "+the server ended a chunk size with LF instead of CR LF"},
		{chunked + "1;a\na\r\n", "+the server ended a chunk size with LF instead of CR LF"},
		{chunked + "1 \na\r\n", "+the server ended a chunk size with LF instead of CR LF"},
		{chunked + "1\ra\r\n", "+the server sent a CR without LF after a chunk size"},
		{chunked + "1;a\rb\r\n", "+the server sent a CR without LF after a chunk size"},
		{chunked + "1;\x00\r\n", "+the server sent a NUL in a chunk extension"},
		{chunked + "1\r\nab\r\n", "+body a\n+the server sent chunk data that no CR LF follows: its size is wrong"},
		{chunked + "1\r\na\n", "+body a\n+the server sent chunk data that no CR LF follows: its size is wrong"},
		{chunked + "1\r\na\rb", "+body a\n+the server sent chunk data that no CR LF follows: its size is wrong"},
		{chunked + "0\r\nA : b\r\n\r\n", "+the server sent a space before the colon of a header field"},
		{chunked + "0\r\n A: b\r\n\r\n", "+the server folded a header line over two lines (obs-fold), which is forbidden because readers disagree on it"},
		{chunked + "0\r\nA: b\n\r\n", "+the server ended a line with LF instead of CR LF"},
		{chunked + "0\r\n\rx", "+the server sent a CR without LF in its head"},
	} {
		t.Run(x.answer, func(t *testing.T) {
			want := ""
			if strings.HasPrefix(x.want, "+") { // the head is told before the mistake
				want, x.want = told, x.want[1:]
			}
			if body, rest, ok := strings.Cut(x.want, "\n+"); ok {
				want, x.want = want+body+"\n", rest
			}
			want += "fault PROTOCOL " + x.want + " (GET http://a.example/x)\nroom 0\n"
			exchange{answer: x.answer, want: want}.check(t)
		})
	}
}

const (
	badCode = "the server sent a status code that is not a number of three digits from 100 to 999"
	badSize = "the server sent a chunk size that is not a hexadecimal number"
)
