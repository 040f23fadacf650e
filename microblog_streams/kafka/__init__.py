"""Kafka from the outside: clients, lag, and the topics as the brokers have them. No part of Faust is used here."""
