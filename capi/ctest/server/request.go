package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
	"strings"
)

type session struct {
	tcp  *net.TCPConn
	conn net.Conn
	cut  bool // end TLS by a bare FIN
	in   *bufio.Reader
	out  *bufio.Writer
	head []byte // of the request being answered, as received
}

type request struct {
	method, path, query string
	length              int64 // -1: chunked
	body                io.Reader
	close               bool
}

func (r *request) unread() bool { return r.length != 0 }

// maxHead is more than any test sends.
const maxHead = 2 << 20

func (s *session) readHead() (*request, error) {
	s.head = s.head[:0]
	for {
		line, err := s.in.ReadSlice('\n')
		s.head = append(s.head, line...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if len(s.head) > maxHead {
			return nil, errors.New("head too large")
		}
		if bytes.HasSuffix(s.head, []byte("\r\n\r\n")) {
			break
		}
	}
	first, rest, _ := bytes.Cut(s.head, []byte("\r\n"))
	part := strings.Split(string(first), " ")
	if len(part) != 3 {
		return nil, errors.New("no request line")
	}
	r := &request{method: part[0]}
	r.path, r.query, _ = strings.Cut(part[1], "?")
	for len(rest) > 0 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case len(name) == 14 && bytes.EqualFold(name, []byte("content-length")):
			n, err := strconv.ParseInt(string(value), 10, 64)
			if err != nil {
				return nil, err
			}
			r.length = n
		case len(name) == 17 && bytes.EqualFold(name, []byte("transfer-encoding")):
			r.length = -1
		case len(name) == 10 && bytes.EqualFold(name, []byte("connection")):
			r.close = bytes.EqualFold(value, []byte("close"))
		}
	}
	if r.length < 0 {
		r.body = httputil.NewChunkedReader(s.in)
	} else {
		r.body = io.LimitReader(s.in, r.length)
	}
	return r, nil
}

// trailers reads what follows a body that was read to its end: the lines behind the last chunk.
func (s *session) trailers(r *request) (string, error) {
	if r.length >= 0 {
		r.length = 0
		return "", nil
	}
	r.length = 0
	var all strings.Builder
	for {
		line, err := s.in.ReadString('\n')
		if err != nil {
			return "", err
		}
		if line == "\r\n" {
			return all.String(), nil
		}
		all.WriteString(line)
	}
}

// number is the value of a query parameter.
func (r *request) number(name string, missing int64) int64 {
	for _, pair := range strings.Split(r.query, "&") {
		if key, value, _ := strings.Cut(pair, "="); key == name {
			if n, err := strconv.ParseInt(value, 10, 64); err == nil {
				return n
			}
		}
	}
	return missing
}
