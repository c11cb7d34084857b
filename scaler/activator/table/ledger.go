package table

import (
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// ledger is what is known of the users of one Route's split, and what its
// targets have spent. Tables come and go with every change of the cluster; the
// ledger goes from one to the next while it is about the same trial.
//
//	of                     is kept while                       begins anew with
//	bad                    the salts and their revisions stay  another candidate or share
//	rest                   the weights stay, too               each step
//	accounts               the salt and its revision stay      another revision of it
//	bag                    there are several targets
type ledger struct {
	trial, weights string
	// bad has the buckets of users that have had a bad answer. They count no
	// more: an app that always fails the same users would look like one that
	// fails many (the unit of a log-rank test is the user, not the request).
	bad *buckets
	// rest has the buckets whose time was counted for the target without a salt.
	rest     *buckets
	accounts map[string]*account
	bag      *bag
}

// account is of a target with a salt.
type account struct {
	// timed has the buckets whose time was counted: users are slow as they are
	// unlucky, always the same ones.
	timed  *buckets
	budget *budget // nil: there is no bound
}

// next is the ledger for a Route as it is now. l may be nil; the result is nil
// for a Route that splits nothing.
func (l *ledger) next(r Route, crew *atomic.Pointer[Crew]) *ledger {
	if len(r.Traffic) < 2 {
		return nil
	}
	if l == nil {
		l = &ledger{bag: newBag(), bad: &buckets{}, rest: &buckets{}}
	}
	n := &ledger{bad: l.bad, rest: l.rest, bag: l.bag, accounts: map[string]*account{}}
	var trial, weights strings.Builder
	for _, s := range r.Traffic {
		weights.WriteString(s.account() + "\x00" + strconv.Itoa(s.Weight) + "\x00")
		if s.Salt == "" {
			continue
		}
		trial.WriteString(s.account() + "\x00")
		n.accounts[s.account()] = l.accounts[s.account()].next(s.Budget, crew)
	}
	n.trial, n.weights = trial.String(), weights.String()
	if n.trial != l.trial {
		n.bad = &buckets{}
	}
	if n.weights != l.weights {
		n.rest = &buckets{}
	}
	return n
}

// account names a share's account.
func (s Share) account() string { return s.Salt + "\x00" + s.Revision }

func (a *account) next(of int, crew *atomic.Pointer[Crew]) *account {
	n := &account{timed: &buckets{}}
	if a != nil {
		n.timed, n.budget = a.timed, a.budget
	}
	switch {
	case of == 0:
		n.budget = nil
	case n.budget == nil || n.budget.of != of:
		n.budget = &budget{of: of, crew: crew}
	}
	return n
}

// buckets is a set of them. All methods may be called concurrently.
type buckets [(v1alpha1.Whole + 63) / 64]atomic.Uint64

func (b *buckets) has(bucket uint32) bool { return b[bucket/64].Load()&(1<<(bucket%64)) != 0 }

// add reports whether the bucket is new.
func (b *buckets) add(bucket uint32) bool {
	bit := uint64(1) << (bucket % 64)
	return b[bucket/64].Or(bit)&bit == 0
}
