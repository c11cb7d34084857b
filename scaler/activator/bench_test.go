package activator

import (
	"bytes"
	"io"
	"net"
	"testing"

	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/table"
)

// BenchmarkPlainRequest is one request after the other on one connection, with
// an app and a client that allocate nothing: what is counted is ours.
func BenchmarkPlainRequest(b *testing.B) {
	f := newFixture(b, backend.Settings{})
	f.rev.Update([]backend.Endpoint{{UID: "1", Name: "pod", Addr: bareApp(b), Ready: true}})
	roundTrips(b, f.addr)
}

// BenchmarkCanaryRequest is the same while a candidate has half of the traffic,
// with a budget that is never spent.
func BenchmarkCanaryRequest(b *testing.B) {
	c := newCanary(b, nil, nil, func(r *table.Route) { r.Sticky, r.Traffic[1].Budget = nil, 1000 })
	for _, rev := range []*backend.Revision{c.rev, c.next} {
		rev.Update([]backend.Endpoint{{UID: rev.Name, Name: "pod", Addr: bareApp(b), Ready: true}})
	}
	roundTrips(b, c.addr)
}

// BenchmarkDirect is the same without the activator.
func BenchmarkDirect(b *testing.B) { roundTrips(b, bareApp(b)) }

// bareApp answers whenever it has read the end of a request head.
func bareApp(b *testing.B) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				buf := make([]byte, 4096)
				for {
					n, err := conn.Read(buf)
					if err != nil {
						return
					}
					if bytes.HasSuffix(buf[:n], []byte("\r\n\r\n")) {
						_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nContent-Type: text/plain\r\n\r\nhello\n")
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

func roundTrips(b *testing.B, addr string) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	request := []byte("GET / HTTP/1.1\r\nHost: " + appHost + "\r\nUser-Agent: bench\r\n\r\n")
	buf := make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		for {
			n, err := conn.Read(buf)
			if err != nil {
				b.Fatal(err)
			}
			if bytes.HasSuffix(buf[:n], []byte("hello\n")) {
				break
			}
		}
	}
}
