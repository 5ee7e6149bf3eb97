package tlstest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
)

// Content types of records, and handshake messages (RFC 8446 §5.1, §4).
const (
	TypeAlert       = 21
	TypeHandshake   = 22
	TypeApplication = 23

	NewSessionTicket = 4
	KeyUpdate        = 24
)

// Secrets is a key log (the format of NSS) that remembers the traffic secrets of one connection.
type Secrets struct {
	mu      sync.Mutex
	byLabel map[string][]byte
}

// Write takes one line of the log.
func (s *Secrets) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	words := bytes.Fields(line)
	if len(words) == 3 {
		if s.byLabel == nil {
			s.byLabel = map[string][]byte{}
		}
		secret, err := hex.DecodeString(string(words[2]))
		if err != nil {
			return 0, err
		}
		s.byLabel[string(words[0])] = secret
	}
	return len(line), nil
}

func (s *Secrets) get(label string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byLabel[label]
}

// Direction is one direction of a TLS 1.3 connection with TLS_AES_128_GCM_SHA256, after the handshake: it makes and opens
// single records, so that a test can say what no server would.
type Direction struct {
	secret []byte
	aead   cipher.AEAD
	iv     [12]byte
	nonce  [12]byte
	seq    uint64
}

// ToClient makes records of the server, ToServer opens those of the client. The server must not have sent any record of its
// own behind the handshake, no tickets either.
func (s *Secrets) ToClient() *Direction { return newDirection(s.get("SERVER_TRAFFIC_SECRET_0")) }

// ToServer opens what the client sends.
func (s *Secrets) ToServer() *Direction { return newDirection(s.get("CLIENT_TRAFFIC_SECRET_0")) }

func newDirection(secret []byte) *Direction {
	d := &Direction{secret: secret}
	d.derive()
	return d
}

func (d *Direction) derive() {
	block, err := aes.NewCipher(d.expand("key", 16))
	if err != nil {
		panic(err)
	}
	if d.aead, err = cipher.NewGCM(block); err != nil {
		panic(err)
	}
	copy(d.iv[:], d.expand("iv", 12))
	d.seq = 0
}

// expand is HKDF-Expand-Label without a context (RFC 8446 §7.1).
func (d *Direction) expand(label string, size int) []byte {
	label = "tls13 " + label
	info := binary.BigEndian.AppendUint16(nil, uint16(size))
	info = append(append(info, byte(len(label))), label...)
	out, err := hkdf.Expand(sha256.New, d.secret, string(append(info, 0)), size)
	if err != nil {
		panic(err)
	}
	return out
}

// Update goes on to the next keys (RFC 8446 §7.2).
func (d *Direction) Update() {
	d.secret = d.expand("traffic upd", sha256.Size)
	d.derive()
}

func (d *Direction) next() []byte {
	d.nonce = d.iv
	for i := range 8 {
		d.nonce[4+i] ^= byte(d.seq >> (56 - 8*i))
	}
	d.seq++
	return d.nonce[:]
}

// Seal appends one record to to, which is used as far as it has room.
func (d *Direction) Seal(to []byte, kind byte, content []byte) []byte {
	size := len(content) + 1 + 16
	at := len(to)
	to = append(to, TypeApplication, 3, 3, byte(size>>8), byte(size))
	to = append(append(to, content...), kind)
	head, inner := to[at:at+5], to[at+5:]
	sealed := d.aead.Seal(inner[:0], d.next(), inner, head)
	return append(to[:at+5], sealed...)
}

// Skip passes over one record that somebody else has opened.
func (d *Direction) Skip() { d.next() }

// Open takes the first record off in.
func (d *Direction) Open(in []byte) (kind byte, content, rest []byte, err error) {
	if len(in) < 5 {
		return 0, nil, in, errors.New("no record")
	}
	end := 5 + int(binary.BigEndian.Uint16(in[3:]))
	if len(in) < end || in[0] != TypeApplication {
		return 0, nil, in, fmt.Errorf("half a record, or of type %d", in[0])
	}
	inner, err := d.aead.Open(nil, d.next(), in[5:end], in[:5])
	if err != nil {
		return 0, nil, in, err
	}
	inner = bytes.TrimRight(inner, "\x00") // padding; tests send no content that ends so
	return inner[len(inner)-1], inner[:len(inner)-1], in[end:], nil
}

// Message makes a handshake message.
func Message(kind byte, body ...byte) []byte {
	return append([]byte{kind, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
}
