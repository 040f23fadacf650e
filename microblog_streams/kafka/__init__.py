"""Kafka through aiokafka: clients, topics, and the lag of consumer groups. No part of Faust runs here."""
