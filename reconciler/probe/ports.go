package probe

import (
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// usual are the ports that servers take where nobody tells them which.
var usual = []int32{80, 3000, 4000, 5000, 8000, 8080, 8081, 8888, 9000}

const (
	// scanLimit bounds a scan, whose connections are tried at once.
	scanLimit = 500 * time.Millisecond
	// remember is how long a pod that nobody asks for is kept in mind.
	remember = time.Hour
)

// Listening is what a pod was found to listen on. The zero value knows nothing.
type Listening struct {
	// Reached is false where no connection was taken or refused: a network
	// policy may be in between.
	Reached bool
	// Ports that take connections, in ascending order. A server on 127.0.0.1
	// cannot be seen from outside.
	Ports []int32
}

// Ports finds out what pods listen on, for those that do not answer where they
// should. It is safe for concurrent use.
type Ports struct {
	dial func(ctx context.Context, address string) error

	mu   sync.Mutex
	seen map[string]scan // by pod
}

type scan struct {
	container string
	at        time.Time
	found     Listening
}

// NewPorts returns a Ports that looks at real pods.
func NewPorts() *Ports {
	return &Ports{dial: dial, seen: map[string]scan{}}
}

// Known is what was found of a pod, also of an earlier container of it.
func (p *Ports) Known(pod string) Listening {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen[pod].found
}

// Find tries the port and the usual ones, once for each container of a pod.
func (p *Ports) Find(ctx context.Context, pod, container, host string, port int32) Listening {
	p.mu.Lock()
	last, again := p.seen[pod]
	p.mu.Unlock()
	if again && last.container == container {
		return last.found
	}
	found := p.scan(ctx, host, port)
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(p.seen, func(_ string, s scan) bool { return now.Sub(s.at) > remember })
	p.seen[pod] = scan{container: container, at: now, found: found}
	return found
}

func (p *Ports) scan(ctx context.Context, host string, port int32) Listening {
	ctx, cancel := context.WithTimeout(ctx, scanLimit)
	defer cancel()
	ports := slices.Clone(usual)
	if !slices.Contains(ports, port) {
		ports = append(ports, port)
	}
	slices.Sort(ports)
	results := make([]error, len(ports))
	var tries sync.WaitGroup
	for i, candidate := range ports {
		tries.Go(func() {
			results[i] = p.dial(ctx, net.JoinHostPort(host, strconv.Itoa(int(candidate))))
		})
	}
	tries.Wait()
	var found Listening
	for i, err := range results {
		if err == nil {
			found.Ports = append(found.Ports, ports[i])
		}
		found.Reached = found.Reached || err == nil || errors.Is(err, syscall.ECONNREFUSED)
	}
	return found
}

func dial(ctx context.Context, address string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}
