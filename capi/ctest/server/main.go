package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
)

var served atomic.Int64

func main() {
	port := flag.Int("port", 0, "port on 127.0.0.1; 0: any")
	flag.Parse()
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		fmt.Fprintln(os.Stderr, "testserver:", err)
		os.Exit(1)
	}
	fmt.Printf("listening %s\n", l.Addr())
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c.(*net.TCPConn), c)
		}
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// serve answers the requests of one connection, one after the other, until either side has had enough of it.
// c is tcp, or TLS over it.
func serve(tcp *net.TCPConn, c net.Conn) {
	s := &session{tcp: tcp, conn: c, in: bufio.NewReaderSize(c, 16<<10), out: bufio.NewWriterSize(c, 16<<10)}
	defer func() {
		if s.cut {
			tcp.Close() // without close_notify
		}
		c.Close()
	}()
	for {
		r, err := s.readHead()
		if err != nil {
			return
		}
		served.Add(1)
		again := s.answer(r)
		if again && r.unread() {
			if _, err = io.Copy(io.Discard, r.body); err == nil {
				_, err = s.trailers(r)
			}
			again = err == nil
		}
		// Answers to requests that wait already in the buffer leave in one write.
		if s.in.Buffered() == 0 || !again {
			if s.out.Flush() != nil {
				return
			}
		}
		if !again || r.close {
			return
		}
	}
}
