package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

const (
	floodRounds = 3
	floodTime   = 5 * time.Second
	// singles are sent one after the other over one connection.
	singles = 2000
	// even is a load that is far from what the machine can take, in events a
	// second.
	even, evenTime = 1000, 10 * time.Second
	// flowEvents is how many events are looked at for those that come twice.
	flowEvents = 100_000
)

// eventsFlow measures how fast events are accepted by a channel from which nobody
// reads, and how fast and how often they come to an app.
func (b *bench) eventsFlow(ctx context.Context) ([]row, error) {
	if err := installed("wrk", "wrk"); err != nil {
		return nil, err
	}
	quiet := &mail{bench: b, name: "quiet"}
	if err := quiet.open(ctx); err != nil {
		return nil, err
	}
	durable, err := quiet.durable(ctx)
	if err != nil {
		return nil, err
	}
	accept, err := quiet.accept(ctx)
	if err != nil {
		return nil, err
	}
	m, err := b.newMail(ctx, "sink", "{min: 1, max: 1}")
	if err != nil {
		return nil, err
	}
	flow, err := m.flow(ctx)
	if err != nil {
		return nil, err
	}
	latency, err := m.latency(ctx)
	return append(append([]row{durable, accept}, flow...), latency), err
}

// durable has wrk send as much as is accepted.
func (m *mail) durable(ctx context.Context) (row, error) {
	var all []wrkResult
	var rates []float64
	for n := range floodRounds {
		result, err := m.flood(ctx, fmt.Sprintf("durable%d", n), floodTime)
		if err != nil {
			return row{}, err
		}
		all, rates = append(all, result), append(rates, result.perSecond)
	}
	return newRow("events.durable_per_s", median(rates), map[string]any{
		"all": rounded(rates), "connections": eventConnections, "bytes": eventSize, "p50": middle(all).p50.String(), "p99": middle(all).p99.String(),
	}), nil
}

// accept sends one event after the other.
func (m *mail) accept(ctx context.Context) (row, error) {
	var took sample
	for n := range singles {
		begin := time.Now()
		if err := m.send(ctx, fmt.Sprintf("single-%d", n)); err != nil {
			return row{}, err
		}
		took.add(time.Since(begin))
	}
	sorted := took.sorted()
	return newRow("events.accept_p50_ms", quantile(sorted, 0.5), map[string]any{"ms": distribution(sorted), "events": singles}), nil
}

// flow sends until flowEvents have been accepted, and waits for all of them.
func (m *mail) flow(ctx context.Context) ([]row, error) {
	if err := m.settled(ctx); err != nil {
		return nil, err
	}
	before, err := m.accepted(ctx)
	if err != nil {
		return nil, err
	}
	var rates []float64
	events := 0
	for n := 0; events < flowEvents; n++ {
		begin := time.Now()
		if _, err := m.flood(ctx, fmt.Sprintf("flow%d", n), floodTime); err != nil {
			return nil, err
		}
		now, err := m.accepted(ctx)
		if err != nil {
			return nil, err
		}
		seen, err := m.wait(ctx, now-before)
		if err != nil {
			return nil, err
		}
		rates = append(rates, float64(now-before-events)/time.Unix(0, seen.Last).Sub(begin).Seconds())
		events = now - before
	}
	if err := pause(ctx, floodTime); err != nil { // what comes twice comes late
		return nil, err
	}
	seen, err := m.seen(ctx)
	if err != nil {
		return nil, err
	}
	again := seen.Deliveries - seen.Distinct
	return []row{
		newRow("events.end_to_end_per_s", median(rates), map[string]any{"all": rounded(rates), "connections": eventConnections, "events": seen.Distinct}),
		newRow("events.duplicates", float64(again)*flowEvents/float64(seen.Distinct), map[string]any{"deliveries": seen.Deliveries, "events": seen.Distinct}),
	}, nil
}

// settled waits until nothing is under way, and has the sink count anew.
func (m *mail) settled(ctx context.Context) error {
	for last := -1; ; {
		seen, err := m.seen(ctx)
		if err != nil {
			return err
		}
		if seen.Deliveries == last {
			return m.reset(ctx)
		}
		last = seen.Deliveries
		if err := pause(ctx, 2*time.Second); err != nil {
			return err
		}
	}
}

// latency is how long events take from when they were to be sent until the app
// has them, at an even rate.
func (m *mail) latency(ctx context.Context) (row, error) {
	if err := m.settled(ctx); err != nil {
		return row{}, err
	}
	target, err := url.Parse(m.ingress)
	if err != nil {
		return row{}, err
	}
	head := "POST " + target.Path + " HTTP/1.1\r\nHost: " + target.Host + "\r\nContent-Length: " + strconv.Itoa(eventSize) + "\r\n"
	for _, one := range eventHeaders {
		head += one[0] + ": " + one[1] + "\r\n"
	}
	var text []byte
	accepted, err := openLoop(ctx, openLoad{target.Host + ":80", even, evenTime, func(n int, due time.Time) []byte {
		text = append(text[:0], head...)
		text = fmt.Appendf(text, "Ce-Id: even-%d\r\nCe-Sent: %d\r\n\r\n%s", n, due.UnixNano(), eventData)
		return text
	}, 202})
	if err != nil {
		return row{}, err
	}
	seen, err := m.wait(ctx, len(accepted))
	if err != nil {
		return row{}, err
	}
	return newRow("events.delivery_p99_ms", quantile(seen.Took, 0.99), map[string]any{
		"events/s": even, "delivered ms": distribution(seen.Took), "accepted ms": distribution(accepted),
	}), nil
}
