{{ pit(key="broker_hk", timelines={"state": ref("bv_broker__state")}) }}
