package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"hash/fnv"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// content is byte i of a body; common.h and gchost.cs know it too. Its period is 64 KiB.
func content(seed, i int64) byte { return byte(seed + i*7 + (i>>8)*13) }

var bigSent atomic.Int64

func (s *session) start(status int, fields string) {
	fmt.Fprintf(s.out, "HTTP/1.1 %d %s\r\nServer: testserver\r\n%s\r\n", status, reason(status), fields)
}

func (s *session) text(status int, body string) {
	s.start(status, fmt.Sprintf("Content-Type: text/plain\r\nContent-Length: %d\r\n", len(body)))
	_, _ = s.out.WriteString(body)
}

func reason(status int) string {
	if r, known := map[int]string{200: "OK", 204: "No Content", 304: "Not Modified", 404: "Not Found"}[status]; known {
		return r
	}
	return "Status"
}

// hang waits until the peer closes; what it sends meanwhile is dropped.
func (s *session) hang() {
	_ = s.out.Flush()
	_, _ = io.Copy(io.Discard, s.in)
}

// answer says whether the connection can be used again.
func (s *session) answer(r *request) bool {
	n, seed := r.number("n", 0), r.number("seed", 0)
	ms := time.Duration(r.number("ms", 0)) * time.Millisecond
	bare := r.method == "HEAD"
	switch r.path {
	case "/hello":
		if bare {
			s.start(200, "Content-Type: text/plain\r\nContent-Length: 13\r\n")
			return true
		}
		_, _ = s.out.WriteString("HTTP/1.1 200 OK\r\nServer: testserver\r\nContent-Type: text/plain\r\n" +
			"X-Many: one\r\nX-Many: two\r\nContent-Length: 13\r\n\r\nhello, world\n")
	case "/bytes":
		s.start(200, fmt.Sprintf("Content-Type: application/octet-stream\r\nContent-Length: %d\r\n", n))
		if !bare {
			return s.fill(seed, 0, n)
		}
	case "/chunked":
		s.start(200, "Transfer-Encoding: chunked\r\n")
		size := max(1, r.number("size", 1000))
		for at := int64(0); at < n; at += size {
			part := min(size, n-at)
			fmt.Fprintf(s.out, "%x\r\n", part)
			s.fill(seed, at, part)
			_, _ = s.out.WriteString("\r\n")
		}
		_, _ = s.out.WriteString("0\r\nX-Trailer: yes\r\n\r\n")
	case "/close":
		s.start(200, "Connection: close\r\n")
		s.fill(seed, 0, n)
		s.cut = r.number("cut", 0) != 0
		return false
	case "/drip":
		s.start(200, fmt.Sprintf("Content-Length: %d\r\n", n))
		for i := range n {
			_ = s.out.WriteByte(content(seed, i))
			if s.out.Flush() != nil {
				return false
			}
			time.Sleep(ms)
		}
	case "/echo":
		return s.echo(r)
	case "/sum":
		h := fnv.New64a()
		got, err := io.Copy(h, r.body)
		if err == nil {
			_, err = s.trailers(r)
		}
		if err != nil {
			return false
		}
		s.text(200, fmt.Sprintf("%d %016x\n", got, h.Sum64()))
	case "/headers":
		s.start(200, fmt.Sprintf("Content-Type: text/plain\r\nContent-Length: %d\r\n", len(s.head)))
		_, _ = s.out.Write(s.head)
	case "/head":
		line := "X-Filler: " + strings.Repeat("x", 88) + "\r\n" // 100 bytes
		s.start(200, strings.Repeat(line, int(n/100))+"Content-Length: 0\r\n")
	case "/hints":
		_, _ = s.out.WriteString("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" +
			"HTTP/1.1 102 Processing\r\n\r\n")
		s.text(200, "hinted\n")
	case "/refuse": // the body is not wanted: says so, and waits for the client to see it
		s.start(413, "Content-Length: 9\r\n")
		_, _ = s.out.WriteString("too")
		_ = s.out.Flush()
		time.Sleep(ms)
		_, _ = s.out.WriteString(" large")
		s.hang()
		return false
	case "/slow":
		_ = s.out.Flush()
		time.Sleep(ms)
		s.text(200, "slow\n")
	case "/never":
		s.hang()
		return false
	case "/noread": // for ms, or for longer than any test waits
		_ = s.tcp.SetReadBuffer(64 << 10)
		_ = s.out.Flush()
		if ms > 0 {
			time.Sleep(ms)
			_, err := io.Copy(io.Discard, r.body)
			if err == nil {
				_, err = s.trailers(r)
			}
			s.text(200, "late\n")
			return err == nil
		}
		time.Sleep(time.Minute)
		return false
	case "/halfhead":
		_, _ = s.out.WriteString("HTTP/1.1 200 OK\r\nContent-Le")
		s.hang()
		return false
	case "/stall":
		s.start(200, "Content-Length: 1000\r\n")
		s.fill(seed, 0, 500)
		s.hang()
		return false
	case "/drop":
		return false
	case "/reset":
		_ = s.out.Flush()
		_ = s.tcp.SetLinger(0)
		s.cut = true
		return false
	case "/half":
		s.start(200, "Content-Length: 1000\r\n")
		s.fill(seed, 0, 500)
		return false
	case "/garbage":
		_, _ = s.out.WriteString("this is not HTTP at all\r\n\r\n")
		return false
	case "/big":
		s.big(r)
		return false
	case "/sent":
		s.text(200, strconv.FormatInt(bigSent.Load(), 10))
	case "/served":
		s.text(200, strconv.FormatInt(served.Load(), 10))
	case "/resumed":
		resumed := 0
		if c, is := s.conn.(*tls.Conn); is && c.ConnectionState().DidResume {
			resumed = 1
		}
		s.start(200, "Connection: close\r\nContent-Length: 2\r\n")
		fmt.Fprintf(s.out, "%d\n", resumed)
		return false
	default:
		if name, is := strings.CutPrefix(r.path, "/tls/"); is {
			s.secureFile(name)
			return true
		}
		if code, is := strings.CutPrefix(r.path, "/status/"); is {
			if status, err := strconv.Atoi(code); err == nil && status >= 200 && status < 1000 {
				if status == 204 || status == 304 {
					s.start(status, "")
				} else {
					s.text(status, "status "+code+"\n")
				}
				return true
			}
		}
		s.text(404, "no such place\n")
	}
	return true
}

// fill writes n bytes of content from byte at on.
func (s *session) fill(seed, at, n int64) bool {
	for n > 0 {
		room := s.out.AvailableBuffer()
		if cap(room) == 0 {
			if s.out.Flush() != nil {
				return false
			}
			continue
		}
		room = room[:min(n, int64(cap(room)))]
		for i := range room {
			room[i] = content(seed, at+int64(i))
		}
		if _, err := s.out.Write(room); err != nil {
			return false
		}
		at += int64(len(room))
		n -= int64(len(room))
	}
	return true
}

func (s *session) echo(r *request) bool {
	if r.length >= 0 {
		s.start(200, fmt.Sprintf("Content-Type: application/octet-stream\r\nContent-Length: %d\r\n", r.length))
		_, err := io.Copy(s.out, r.body)
		r.length = 0
		return err == nil
	}
	var all bytes.Buffer
	if _, err := io.Copy(&all, r.body); err != nil {
		return false
	}
	trailers, err := s.trailers(r)
	if err != nil {
		return false
	}
	s.start(200, "Transfer-Encoding: chunked\r\n")
	if all.Len() > 0 {
		fmt.Fprintf(s.out, "%x\r\n%s\r\n", all.Len(), all.Bytes())
	}
	_, _ = s.out.WriteString("0\r\n" + trailers + "\r\n")
	return true
}

// big sends without end and counts what the system took.
func (s *session) big(r *request) {
	const size = 16 << 10
	chunk := make([]byte, 0, size+16)
	if r.number("len", 0) == 0 {
		s.start(200, "Transfer-Encoding: chunked\r\n")
		chunk = append(chunk, "4000\r\n"...)
	} else {
		s.start(200, fmt.Sprintf("Content-Length: %d\r\n", int64(1)<<40))
	}
	for i := range int64(size) {
		chunk = append(chunk, content(0, i))
	}
	if len(chunk) > size {
		chunk = append(chunk, "\r\n"...)
	}
	if s.out.Flush() != nil {
		return
	}
	for {
		n, err := s.conn.Write(chunk)
		bigSent.Add(int64(n))
		if err != nil {
			return
		}
	}
}
