package delivery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/outward"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/retry"
)

const defaultTimeout = v1alpha1.DefaultDeliveryTimeout

// NewClient is the client for deliveries: it follows no redirect, uses no proxy,
// connects to no address that api/outward forbids, as URLs come from git, and
// keeps enough connections to the activator, through which most deliveries go.
func NewClient() *http.Client { return newClient(outward.Allowed) }

func newClient(allowed func(netip.Addr) bool) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second, Control: outward.Control(allowed, "a subscription")}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    5 * time.Second,
			MaxIdleConns:           1024,
			MaxIdleConnsPerHost:    512,
			IdleConnTimeout:        30 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			DisableCompression:     true, // so that no answer becomes larger than what is read
		},
	}
}

// post sends the event. problem is why the event in a good answer cannot be used.
func (a attempt) post(ctx context.Context) (o retry.Outcome, reply *event.Event, problem error) {
	header := http.Header{}
	body := a.item.event.WriteHTTP(header)
	header.Set(headerSubscription, a.sub.Name.String())
	header.Set(headerAttempt, strconv.Itoa(int(a.entry.Attempts)))
	header.Set("User-Agent", "headway-eventing")
	if parent, state := a.item.event.Trace(); parent != "" {
		header.Set("Traceparent", parent)
		if state != "" {
			header.Set("Tracestate", state)
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.sub.Target.URL, bytes.NewReader(body))
	if err != nil {
		return fault(err), nil, nil
	}
	request.Header = header
	request.Host = a.sub.Target.Host
	answer, err := a.d.client.Do(request)
	if err != nil {
		return fault(err), nil, nil
	}
	defer answer.Body.Close()
	o = retry.Outcome{
		Status: answer.StatusCode, Activator: answer.Header.Get(headerAnswer),
		Revision:   oneLine(answer.Header.Get(headerRevision)),
		RetryAfter: retryAfter(answer.Header.Get("Retry-After"), time.Now()),
	}
	if a.sub.Target.App == "" {
		o.Activator, o.Revision = "", "" // whoever answers is no activator
	}
	if a.sub.Spec.Reply == "" || answer.StatusCode/100 != 2 || !hasEvent(answer.Header) {
		_, _ = io.CopyN(io.Discard, answer.Body, maxDiscard) // the answer counts, whatever follows
		return o, nil, nil
	}
	said, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return fault(err), nil, nil // an answer that is cut off is none
	case len(said) > maxAnswer:
		return o, nil, fmt.Errorf("it is larger than %d bytes", maxAnswer)
	}
	reply, problem = event.ReadReply(answer.Header, said)
	return o, reply, problem
}

// hasEvent reports whether an answer may have an event in it.
func hasEvent(h http.Header) bool {
	return h.Get("Ce-Specversion") != "" || strings.HasPrefix(strings.ToLower(h.Get("Content-Type")), "application/cloudevents")
}

// fault is why there is no answer, without the address, which people know.
func fault(err error) retry.Outcome {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return retry.Outcome{Fault: retry.Timeout}
	}
	return retry.Outcome{Fault: retry.Network, Detail: oneLine(err.Error())}
}

// retryAfter reads the header: seconds, or a date. 0: it says nothing that can be
// understood, or a time that has passed.
func retryAfter(value string, now time.Time) time.Duration {
	if value == "" {
		return 0
	}
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(min(max(seconds, 0), int(retry.MaxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(at.Sub(now), 0)
}
