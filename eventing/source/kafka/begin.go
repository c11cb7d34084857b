package kafka

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// begin looks whether the topics are there. Where records are wanted from now on
// only, it commits the end of each topic of which the group has no offset yet: a
// group that has none begins at the end again after each restart, and would lose
// what came before the first commit.
func (s *settings) begin(ctx context.Context, allowed func(netip.Addr) bool) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	// After 3.9, offsets of topics go by ids in the place of names.
	client, err := kgo.NewClient(append(s.options(allowed), kgo.MaxVersions(kversion.V3_9_0()))...)
	if err != nil {
		return err
	}
	defer client.Close()
	partitions, err := s.partitions(ctx, client)
	if err != nil || !s.latest {
		return err
	}
	if err := s.withoutKnown(ctx, client, partitions); err != nil || len(partitions) == 0 {
		return err
	}
	return s.commitEnds(ctx, client, partitions)
}

// partitions of the topics.
func (s *settings) partitions(ctx context.Context, client *kgo.Client) (map[string][]int32, error) {
	request := kmsg.NewPtrMetadataRequest()
	for _, topic := range s.topics {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &topic
		request.Topics = append(request.Topics, t)
	}
	answer, err := request.RequestWith(ctx, client)
	if err != nil {
		return nil, err
	}
	partitions := map[string][]int32{}
	for _, t := range answer.Topics {
		if t.Topic == nil {
			continue
		}
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return nil, fmt.Errorf("topic %s: %w", *t.Topic, err)
		}
		for _, p := range t.Partitions {
			partitions[*t.Topic] = append(partitions[*t.Topic], p.Partition)
		}
	}
	return partitions, nil
}

// withoutKnown takes the topics out of which the group has an offset.
func (s *settings) withoutKnown(ctx context.Context, client *kgo.Client, partitions map[string][]int32) error {
	request := kmsg.NewPtrOffsetFetchRequest()
	request.Group = s.group
	group := kmsg.NewOffsetFetchRequestGroup()
	group.Group = s.group
	for topic, numbers := range partitions {
		one := kmsg.NewOffsetFetchRequestTopic()
		one.Topic, one.Partitions = topic, numbers
		request.Topics = append(request.Topics, one)
		of := kmsg.NewOffsetFetchRequestGroupTopic()
		of.Topic, of.Partitions = topic, numbers
		group.Topics = append(group.Topics, of)
	}
	request.Groups = append(request.Groups, group)
	answer, err := request.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	if err := kerr.ErrorForCode(answer.ErrorCode); err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return err
	}
	known := func(topic string, offset int64, code int16) error {
		if offset >= 0 {
			delete(partitions, topic)
		}
		return kerr.ErrorForCode(code)
	}
	for _, t := range answer.Topics { // of brokers before Kafka 3.0
		for _, p := range t.Partitions {
			if err := known(t.Topic, p.Offset, p.ErrorCode); err != nil {
				return err
			}
		}
	}
	for _, g := range answer.Groups {
		if err := kerr.ErrorForCode(g.ErrorCode); err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
			return err
		}
		for _, t := range g.Topics {
			for _, p := range t.Partitions {
				if err := known(t.Topic, p.Offset, p.ErrorCode); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// commitEnds commits where the partitions end now.
func (s *settings) commitEnds(ctx context.Context, client *kgo.Client, partitions map[string][]int32) error {
	ask := kmsg.NewPtrListOffsetsRequest()
	ask.ReplicaID = -1
	for topic, numbers := range partitions {
		t := kmsg.NewListOffsetsRequestTopic()
		t.Topic = topic
		for _, number := range numbers {
			p := kmsg.NewListOffsetsRequestTopicPartition()
			p.Partition, p.Timestamp = number, -1 // the end
			t.Partitions = append(t.Partitions, p)
		}
		ask.Topics = append(ask.Topics, t)
	}
	ends, err := ask.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	commit := kmsg.NewPtrOffsetCommitRequest()
	commit.Group = s.group
	for _, t := range ends.Topics {
		to := kmsg.NewOffsetCommitRequestTopic()
		to.Topic = t.Topic
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("topic %s: %w", t.Topic, err)
			}
			at := kmsg.NewOffsetCommitRequestTopicPartition()
			at.Partition, at.Offset = p.Partition, p.Offset
			to.Partitions = append(to.Partitions, at)
		}
		commit.Topics = append(commit.Topics, to)
	}
	done, err := commit.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	for _, t := range done.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("group %s: %w", s.group, err)
			}
		}
	}
	return nil
}
