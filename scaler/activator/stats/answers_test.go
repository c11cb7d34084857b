package stats

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/scaler/activator/record"
	"github.com/headway-dev/headway/scaler/report"
)

func TestEndings(t *testing.T) {
	var c Counters
	for _, o := range []record.Outcome{
		{Status: 200}, {Status: 404}, {Status: 499}, {Status: 500}, {Status: 502}, {Status: 304}, {Status: 101}, {Status: 999},
		{Status: 200, GRPC: "0"}, {Status: 200, GRPC: "5"}, {Status: 200, GRPC: "13"},
		{Status: 0},
		{Status: 502, Own: record.Broken}, {Status: 504, Own: record.Late}, {Status: 503, Own: "no-pod"}, {Status: 503, Own: "cannot-start"},
		{Status: 408, Own: record.Stalled}, {Status: 400, Own: record.BadBody},
		{Status: 200, Own: "no-pod"}, // a gRPC call, as another activator has answered it
	} {
		o.Kind = record.Split
		c.Arrived(record.Split, true)
		c.Observe(o)
	}
	c.Arrived(record.Direct, false)
	split, direct := c.Tally(record.Split), c.Tally(record.Direct)
	want := report.Tally{Arrived: 19}
	want.Ended = [report.Endings]uint64{
		report.ClientLeft: 1, 1: 1, 2: 3, 3: 1, 4: 2, 5: 3, report.GRPCFailed: 1, report.Broken: 1, report.Late: 1, report.NoPod: 3, report.ClientFault: 2,
	}
	if diff := cmp.Diff(want, split); diff != "" {
		t.Error(diff)
	}
	if split.Answered() != 13 || split.Bad() != 6 {
		t.Errorf("%d answered, %d bad, want 13 and 6: no pod and the client's faults say nothing about the app", split.Answered(), split.Bad())
	}
	if want := (report.Tally{Arrived: 1}); direct != want {
		t.Errorf("%+v by a host of the revision, want %+v", direct, want)
	}
	if got, want := c.classes(), [6]uint64{1, 1, 4, 1, 4, 8}; got != want {
		t.Errorf("classes %v, want %v", got, want)
	}
}
