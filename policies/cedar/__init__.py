"""Authorization in Cedar: who may do what with which tool or model.

No policy that permits means no, `forbid` wins, and a policy that can't be evaluated means no. What is
asked is described in `schema.cedarschema`; what applies where an operator says nothing stands in
`policies/default.cedar`.
"""
