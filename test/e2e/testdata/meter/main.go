// Command meter is an app that tells how it is used: how many requests one pod
// has had at the same time, over plain requests, events, WebSockets and gRPC,
// and what it finds around it.
package main

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	// inFlight are the requests for work now, most the largest number so far.
	inFlight, most atomic.Int64
	// leaving is true from SIGTERM on.
	leaving atomic.Bool
	// sockets are the open WebSockets: the server does not count them.
	sockets sync.WaitGroup
)

func main() {
	http.HandleFunc("/work", work)
	http.HandleFunc("/download", download)
	http.HandleFunc("/events", events)
	http.HandleFunc("/echo", echo)
	http.HandleFunc("/seen", surroundings)
	http.HandleFunc("/crash", func(http.ResponseWriter, *http.Request) { log.Fatal("asked to crash") })
	http.HandleFunc("POST /test.Echo/Say", say)
	http.HandleFunc("POST /test.Echo/Talk", talk)
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "meter") })

	server := &http.Server{Addr: ":" + cmp.Or(os.Getenv("PORT"), "8080"), Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		<-ctx.Done()
		leaving.Store(true)
		_ = server.Shutdown(context.Background())
		sockets.Wait()
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
	<-finished
}

// work takes as long as the query says, and answers with the most requests
// that this pod has had in flight.
func work(w http.ResponseWriter, r *http.Request) {
	now := inFlight.Add(1)
	defer inFlight.Add(-1)
	for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
	}
	pause, err := time.ParseDuration(r.URL.Query().Get("for"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	select {
	case <-time.After(pause):
	case <-r.Context().Done():
	}
	fmt.Fprintln(w, most.Load())
}

// download sends as many lines as the query says, 100 ms apart, each with
// whether the app was told to leave.
func download(w http.ResponseWriter, r *http.Request) {
	lines, err := strconv.Atoi(r.URL.Query().Get("lines"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for n := range lines {
		fmt.Fprintf(w, "%d leaving=%t\n", n, leaving.Load())
		w.(http.Flusher).Flush()
		time.Sleep(100 * time.Millisecond)
	}
}

// events sends five, 200 ms apart.
func events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for n := range 5 {
		fmt.Fprintf(w, "data: %d\n\n", n)
		w.(http.Flusher).Flush()
		time.Sleep(200 * time.Millisecond)
	}
}

// echo is a WebSocket that sends back short text messages.
func echo(w http.ResponseWriter, r *http.Request) {
	conn, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer conn.Close()
	sockets.Add(1)
	defer sockets.Done()
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	for {
		text, err := readText(buffered.Reader)
		if err != nil {
			return
		}
		if _, err := conn.Write(append([]byte{0x81, byte(len(text))}, text...)); err != nil {
			return
		}
	}
}

// readText reads one masked text frame of less than 126 bytes.
func readText(from *bufio.Reader) ([]byte, error) {
	var head [6]byte // opcode, length, mask
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return nil, err
	}
	size := head[1] & 0x7f
	if head[0] != 0x81 || size >= 126 {
		return nil, errors.New("not a short text frame")
	}
	text := make([]byte, size)
	_, err := io.ReadFull(from, text)
	for i := range text {
		text[i] ^= head[2+i%4]
	}
	return text, err
}
