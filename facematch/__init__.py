"""The eye: picture bytes become faces with quality and templates; it knows no web, no database and no index."""

from facematch.heap import share_one_heap

share_one_heap()  # before any library is loaded: a thread of theirs that allocated earlier keeps its heap and lends it
