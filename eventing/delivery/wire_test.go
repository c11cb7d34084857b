package delivery

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// server answers each request on a connection with the next text, and counts
// connections. After the last text it closes the connection and says so.
func server(t *testing.T, answers ...string) (url string, connections *atomic.Int32, closed chan struct{}) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	connections, closed = new(atomic.Int32), make(chan struct{}, 10)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			in := bufio.NewReader(conn)
			for _, answer := range answers {
				r, err := http.ReadRequest(in)
				if err != nil {
					break
				}
				io.Copy(io.Discard, r.Body)
				io.WriteString(conn, answer)
			}
			conn.Close()
			closed <- struct{}{}
		}
	}()
	return "http://" + listener.Addr().String() + "/path?query", connections, closed
}

func post(t *testing.T, client *http.Client, url, body string) (status int, answer string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	return got.StatusCode, string(text), err
}

const fine = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"

// Answers of all forms are read, and a connection is used again where it can be.
func TestWire(t *testing.T) {
	for _, tc := range []struct {
		name        string
		answers     []string // to one connection
		connections int      // for two requests
		want        string
		fails       bool
	}{
		{"kept", []string{fine, fine}, 1, "fine", false},
		{"without a body", []string{"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n"}, 1, "", false},
		{"chunked", []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nfi\r\n2\r\nne\r\n0\r\n\r\n", fine}, 1, "fine", false},
		{"after hints", []string{"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + fine, fine}, 1, "fine", false},
		{"to be closed", []string{"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nfine", fine}, 2, "fine", false},
		{"closed", []string{fine}, 2, "fine", false},
		{"until it is closed", []string{"HTTP/1.1 200 OK\r\n\r\nfine"}, 2, "fine", false},
		{"of HTTP/1.0", []string{"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nfine"}, 2, "fine", false},
		{"followed by another that nobody asked for", []string{fine + fine, fine}, 2, "fine", false},
		{"with a large header", []string{"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxHeader) + "\r\n\r\n"}, 2, "", true},
		{"cut off", []string{"HTTP/1.1 200 OK\r\nContent-Le"}, 2, "", true},
		{"cut off in its body", []string{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfine"}, 2, "", true},
		{"none", []string{""}, 2, "", true},
		{"no HTTP", []string{"hello\r\n\r\n"}, 2, "", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			client := newClient(anywhere)
			defer client.CloseIdleConnections()
			url, connections, closed := server(t, tc.answers...)
			for range 2 {
				_, text, err := post(t, client, url, "body")
				if (err != nil) != tc.fails || err == nil && text != tc.want {
					t.Errorf("%q, %v", text, err)
				}
				if len(tc.answers) == 1 {
					<-closed
				}
			}
			if got := connections.Load(); int(got) != tc.connections {
				t.Errorf("%d connections, want %d", got, tc.connections)
			}
		})
	}
}

// A request that ends takes its connection with it, whatever the other side does.
func TestWireEnds(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for name, begin := range map[string]string{"before an answer": "", "in its header": "HTTP/1.1 2", "in its body": "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfine"} {
		t.Run(name, func(t *testing.T) {
			client := newClient(anywhere)
			ctx, cancel := context.WithCancel(t.Context())
			closed := make(chan struct{})
			go func() {
				defer close(closed)
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				in := bufio.NewReader(conn)
				if r, err := http.ReadRequest(in); err == nil {
					io.Copy(io.Discard, r.Body)
				}
				io.WriteString(conn, begin)
				cancel()
				io.Copy(io.Discard, in) // until it is closed
			}()
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+listener.Addr().String(), strings.NewReader("x"))
			if err != nil {
				t.Fatal(err)
			}
			answer, err := client.Do(request)
			if err == nil {
				_, err = io.ReadAll(answer.Body)
				answer.Body.Close()
			}
			if !errors.Is(err, context.Canceled) {
				t.Errorf("the error is %v", err)
			}
			<-closed
		})
	}
}
