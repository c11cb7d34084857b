package supervise

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
)

// What the parent tells its child.
const (
	socketsVariable  = "LISTEN_FDS"
	restartsVariable = "HEADWAY_RESTARTS"
)

// Restarts is how often the program was started again by its parent after a
// crash; 0 without a parent.
func Restarts() int {
	n, _ := strconv.Atoi(os.Getenv(restartsVariable)) // not set: 0
	return n
}

// Listen opens a port: it takes the parent's socket with the port of address if
// there is one, and makes one otherwise.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	listener, err := inherited.take(address)
	if err != nil {
		return nil, err
	}
	if listener != nil {
		return listener, nil
	}
	listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", address, err)
	}
	return listener, nil
}

// inherited are the parent's sockets that nobody has taken yet.
var inherited handedOver

type handedOver struct {
	once sync.Once
	mu   sync.Mutex
	list []net.Listener
	err  error
}

// take returns nil if there is no socket with the port of address.
func (h *handedOver) take(address string) (net.Listener, error) {
	h.once.Do(h.receive)
	if h.err != nil {
		return nil, h.err
	}
	want, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("reading the address %s: %w", address, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, listener := range h.list {
		if at, ok := listener.Addr().(*net.TCPAddr); ok && at.Port == want.Port {
			h.list = append(h.list[:i:i], h.list[i+1:]...)
			return listener, nil
		}
	}
	return nil, nil //nolint:nilnil // there is none
}

func (h *handedOver) receive() {
	count, err := strconv.Atoi(os.Getenv(socketsVariable))
	if err != nil {
		return // there is no parent
	}
	for fd := firstSocket; fd < firstSocket+count; fd++ {
		file := os.NewFile(uintptr(fd), "socket")
		listener, err := net.FileListener(file)
		_ = file.Close() // the listener has a descriptor of its own
		if err != nil {
			h.err = fmt.Errorf("taking socket %d of the parent: %w", fd, err)
			return
		}
		h.list = append(h.list, listener)
	}
}
